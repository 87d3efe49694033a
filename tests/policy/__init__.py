"""Policy: tables of cases for every rule of docs/rulings.md, and the properties that hold for all of them."""
