"""The rules, pure: standard library only, no I/O, no clock, no ORM, no Flask, no translation."""
