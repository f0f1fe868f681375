"""The User sync tab of a platform: settings, Enable and Disable, Sync now, previews, held runs, pausing, exclusions."""
