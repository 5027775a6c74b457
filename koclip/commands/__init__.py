"""What `python -m koclip` can do: a module for each command; none imports anything heavy."""
