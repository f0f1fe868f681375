"""The pages of this area."""

from __future__ import annotations

from webapp.integrations.conflicts.views import bp as conflicts
from webapp.integrations.connection.views import bp as connection
from webapp.integrations.runs.compare_views import bp as run_compare
from webapp.integrations.runs.file_views import bp as run_files
from webapp.integrations.runs.undo_views import bp as undo
from webapp.integrations.runs.views import bp as runs
from webapp.integrations.support.views import bp as support
from webapp.integrations.user_sync.exclusion_views import bp as exclusions
from webapp.integrations.user_sync.held_run_views import bp as held_runs
from webapp.integrations.user_sync.pause_views import bp as pausing
from webapp.integrations.user_sync.preview_views import bp as previews
from webapp.integrations.user_sync.views import bp as user_sync
from webapp.integrations.why.views import bp as why

PAGES = (
    connection,
    user_sync,
    previews,
    held_runs,
    pausing,
    exclusions,
    why,
    conflicts,
    runs,
    undo,
    run_files,
    run_compare,
    support,
)
