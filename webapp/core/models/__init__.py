"""The tables, one module a subject. Importing this package registers them all."""

from webapp.core.models.account import Account, AccountLink, SignInSession, SignInThrottle
from webapp.core.models.activation import Activation
from webapp.core.models.audit import AuditEvent
from webapp.core.models.base import Base, db, table_of, utcnow
from webapp.core.models.choice import Decision, Exclusion
from webapp.core.models.contract import Contract, ContractFeature
from webapp.core.models.incident import Incident, NotificationChoice, Reminder
from webapp.core.models.integration import ConnectAttempt, Integration, UserSync
from webapp.core.models.invitation import Invitation
from webapp.core.models.leaver import LeaverRule
from webapp.core.models.mail import Message
from webapp.core.models.merge import Merge, MergeProposal
from webapp.core.models.question import Question
from webapp.core.models.role import Role, RolePermission, UserRole
from webapp.core.models.sync import Heartbeat, Person, SyncChange, SyncRequest, SyncRun
from webapp.core.models.team import ReportingAccess, Team, UserTeam
from webapp.core.models.upload import UserUpload
from webapp.core.models.user import User, is_here
from webapp.core.models.webhook import PlatformNotice, Webhook, WebhookDelivery

__all__ = [
    "Account",
    "AccountLink",
    "Activation",
    "AuditEvent",
    "Base",
    "ConnectAttempt",
    "Contract",
    "ContractFeature",
    "Decision",
    "Exclusion",
    "Heartbeat",
    "Incident",
    "Integration",
    "Invitation",
    "LeaverRule",
    "Merge",
    "MergeProposal",
    "Message",
    "NotificationChoice",
    "Person",
    "PlatformNotice",
    "Question",
    "Reminder",
    "ReportingAccess",
    "Role",
    "RolePermission",
    "SignInSession",
    "SignInThrottle",
    "SyncChange",
    "SyncRequest",
    "SyncRun",
    "Team",
    "User",
    "UserRole",
    "UserSync",
    "UserTeam",
    "UserUpload",
    "Webhook",
    "WebhookDelivery",
    "db",
    "is_here",
    "table_of",
    "utcnow",
]
