"""The rules of docs/rulings.md a second time: slow, simple, and without a line of the program."""
