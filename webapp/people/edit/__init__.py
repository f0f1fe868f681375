"""Adding one user by hand, and changing one."""
