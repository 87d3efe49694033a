"""What the emulator raises in Python: data that cannot be loaded, and edits that the CRM would refuse."""


class EmulatorDataError(ValueError):
    """A CSV file that cannot be loaded, with file and line."""


class EmulatorRefusal(ValueError):
    """An edit by hand that the CRM would refuse, with the vendor's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
