"""Sync status: runs and their lines, as files too, the support bundle, comparing two runs, undoing one."""
