"""What every node stands on; imports no node and no part of one."""
