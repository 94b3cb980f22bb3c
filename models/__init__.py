"""The tables and the session: what relance remembers.

One file per word of the glossary (customer, invoice, reminder, delivery, message, ...). Nothing here judges or talks
to the world. Three modules are more than tables: ``states`` and ``transitions`` hold the one table of allowed state
changes, ``events`` the hash-chained log that every change enters, ``database`` the two engines and their transactions.
"""

from models.base import Base
from models.blob import Blob
from models.contact import Contact
from models.correction import Correction
from models.customer import Customer
from models.database import Database
from models.decision import Decision
from models.delivery import Delivery
from models.dispute import Dispute
from models.document import Document
from models.event import Event, EventHead
from models.exception import ExceptionItem, ExceptionLink
from models.folder import Folder, Location
from models.heartbeat import Heartbeat
from models.hold import Hold
from models.import_run import ImportRun
from models.installation import Installation
from models.invoice import Invoice
from models.legal_hold import LegalHold
from models.message import Message, MessageLink
from models.note import Note
from models.payment import Allocation, Payment
from models.prediction import Prediction
from models.presence import Presence
from models.promise import Promise
from models.reading import Reading
from models.reminder import Reminder, ReminderLine
from models.stop import SendingStop
from models.task import Task, TaskLink
from models.thread import Thread
from models.token import ApiAnswer, ApiToken
from models.training import Promotion, TrainingRun
from models.user import LoginFailure, SavedView, User
from models.webhook import WebhookCursor, WebhookDelivery

__all__ = [
    "Allocation",
    "ApiAnswer",
    "ApiToken",
    "Base",
    "Blob",
    "Contact",
    "Correction",
    "Customer",
    "Database",
    "Decision",
    "Delivery",
    "Dispute",
    "Document",
    "Event",
    "EventHead",
    "ExceptionItem",
    "ExceptionLink",
    "Folder",
    "Heartbeat",
    "Hold",
    "ImportRun",
    "Installation",
    "Invoice",
    "LegalHold",
    "Location",
    "LoginFailure",
    "Message",
    "MessageLink",
    "Note",
    "Payment",
    "Prediction",
    "Presence",
    "Promise",
    "Promotion",
    "Reading",
    "Reminder",
    "ReminderLine",
    "SavedView",
    "SendingStop",
    "Task",
    "TaskLink",
    "Thread",
    "TrainingRun",
    "User",
    "WebhookCursor",
    "WebhookDelivery",
]
