"""What each agent CLI is told and what it says back: pure mapping, no I/O (the scripted child is a program)."""
