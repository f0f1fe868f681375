"""The tables, one module a subject. Importing this package registers them all."""

from webapp.models.account import Account, AccountLink, SignInSession, SignInThrottle
from webapp.models.activation import Activation
from webapp.models.audit import AuditEvent
from webapp.models.base import Base, db, table_of, utcnow
from webapp.models.choice import Decision, Exclusion
from webapp.models.contract import Contract, ContractFeature
from webapp.models.incident import Incident, NotificationChoice, Reminder
from webapp.models.integration import ConnectAttempt, Integration, UserSync
from webapp.models.invitation import Invitation
from webapp.models.leaver import LeaverRule
from webapp.models.mail import Message
from webapp.models.merge import Merge, MergeProposal
from webapp.models.question import Question
from webapp.models.role import Role, RolePermission, UserRole
from webapp.models.sync import Heartbeat, Person, SyncChange, SyncRequest, SyncRun
from webapp.models.team import ReportingAccess, Team, UserTeam
from webapp.models.upload import UserUpload
from webapp.models.user import User, is_here
from webapp.models.webhook import PlatformNotice, Webhook, WebhookDelivery

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
