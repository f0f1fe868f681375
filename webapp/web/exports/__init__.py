"""Files to take away: made where they are asked for, or by a process beside the web when they are long."""
