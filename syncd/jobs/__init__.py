"""The imperative shell: each job gathers, lets a pure room decide, and applies; nothing else talks to both sides."""
