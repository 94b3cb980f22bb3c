"""The application: the routes with the right that each one asks for, and the layers around them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from agent.review.api import app as api
from agent.review.api.openapi import BASE
from agent.review.api.problems import Problem
from agent.review.rights import Right
from agent.review.web import (
    access,
    figures_pages,
    item_pages,
    mail_pages,
    model_pages,
    oidc_pages,
    outgoing_pages,
    story_pages,
    task_pages,
    work_pages,
)
from agent.review.web.desk import Desk
from agent.review.web.frame import STATIC, Call, Page, Pages, page
from agent.review.web.guards import Guards
from config import Web

COOKIE = "relance_session"


def build(desk: Desk) -> Starlette:
    """The pages over one database."""
    settings = desk.settings
    web = settings.web
    app = Starlette(
        routes=_routes(desk),
        middleware=[
            Middleware(Guards, hosts=hosts_of(web), is_tls=web.is_tls),
            Middleware(
                SessionMiddleware,
                secret_key=desk.database.key.sign("web session"),
                session_cookie=COOKIE,
                max_age=web.session_hours * 3600,
                same_site="lax",  # a link in a mail leads to the page; what changes anything needs the token besides
                https_only=web.is_tls,
            ),
        ],
        exception_handlers={404: _not_found},
    )
    app.state.pages = Pages(settings.root)
    app.state.desk = desk
    return app


def hosts_of(web: Web) -> frozenset[str]:
    """The names under which the pages may be asked for."""
    named = {web.host.lower(), "localhost", "127.0.0.1", "::1"}
    if web.url is not None:
        named.add(urlsplit(web.url).hostname or "")
    return frozenset(named)


@dataclass(frozen=True, slots=True)
class Place:
    """One page or deed. ``right`` None: for anybody, logged in or not."""

    method: str
    path: str
    page: Page
    right: Right | None


def get(path: str, show: Page, right: Right | None = Right.READ) -> Place:
    return Place("GET", path, show, right)


def post(path: str, do: Page, right: Right | None = Right.WORK) -> Place:
    return Place("POST", path, do, right)


PLACES: tuple[Place, ...] = (
    get("/login", access.login_page, None),
    post("/login", access.login, None),
    post("/logout", access.logout, None),
    get("/login/oidc", oidc_pages.go_there, None),
    get(oidc_pages.PATH, oidc_pages.come_back, None),
    get("/logout/oidc", oidc_pages.go_out, None),
    post("/language", access.language, None),
    get("/", work_pages.work_page),
    get("/work/counts", work_pages.counts),
    get("/work/hands", work_pages.hands_piece),
    post("/work/bulk", work_pages.bulk),
    post("/undo", work_pages.undo),
    post("/views", work_pages.save_view, Right.READ),
    post("/views/{number}/forget", work_pages.forget_view, Right.READ),
    get("/work/item/{number}", item_pages.item_page),
    get("/work/task/{number}", task_pages.task_page),
    get("/work/approval/{number}", outgoing_pages.approval_page),
    get("/work/{kind}/{number}/presence", item_pages.presence),
    post("/work/{kind}/{number}/skip", item_pages.skip),
    post("/work/{kind}/{number}/take", item_pages.take),
    post("/work/{kind}/{number}/give-back", item_pages.give_back),
    post("/work/{kind}/{number}/assign", item_pages.assign),
    post("/work/{kind}/{number}/snooze", item_pages.snooze),
    post("/work/item/{number}/consequence", item_pages.consequence),
    post("/work/item/{number}/settle", item_pages.settle),
    post("/work/item/{number}/verdict", item_pages.verdict),
    post("/work/item/{number}/dismiss", item_pages.dismiss),
    get("/work/item/{number}/draft", item_pages.draft),
    post("/work/item/{number}/answer", item_pages.answer),
    post("/work/task/{number}/done", task_pages.done),
    post("/work/task/{number}/consequence", task_pages.consequence),
    post("/work/task/{number}/done/consequence", task_pages.done_consequence),
    post("/work/task/{number}/audit", task_pages.audit),
    post("/work/task/{number}/letter", task_pages.letter),
    get("/work/task/{number}/hand-over", task_pages.hand_over),
    post("/work/approval/{number}/edit", outgoing_pages.edit_one, Right.APPROVE),
    post("/work/approval/{number}/approve", outgoing_pages.approve_one, Right.APPROVE),
    post("/work/approval/{number}/reject", outgoing_pages.skip_one, Right.APPROVE),
    get("/mail/{number}/html", mail_pages.as_sent),
    get("/mail/{number}/attachment/{place}", mail_pages.attachment),
    get("/mail/{number}/source", mail_pages.source),
    get("/mail/{number}/why", story_pages.why_page),
    get("/customers", story_pages.customers_page),
    get("/customers/{customer:path}", story_pages.customer_page),
    get("/invoices/{invoice:path}/dossier", story_pages.dossier_file),
    get("/invoices/{invoice:path}/documents/{number}", story_pages.document_file),
    get("/invoices/{invoice:path}", story_pages.invoice_page),
    post("/log", story_pages.log, Right.LOG),
    get("/outgoing", outgoing_pages.outgoing_page),
    get("/outgoing/calendar", outgoing_pages.calendar_piece),
    post("/outgoing/stop", outgoing_pages.stop_all),
    post("/outgoing/resume", outgoing_pages.resume_all, Right.APPROVE),
    get("/figures", figures_pages.figures_page),
    get("/figures.xlsx", figures_pages.workbook_file),
    get("/figures/{name}.csv", figures_pages.table_file),
    get("/model", model_pages.model_page),
    get("/model/training", model_pages.progress),
    post("/model/train", model_pages.train, Right.MANAGE),
    post("/model/rollback", model_pages.rollback, Right.MANAGE),
    post("/model/{name}/compare", model_pages.compare, Right.MANAGE),
    post("/model/{name}/promote", model_pages.promote, Right.MANAGE),
)
"""Every page and deed with the right that it asks for, in the order in which addresses are looked up."""


def _routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/static/{name}", _static, methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        Mount(BASE, api.build(desk)),
        *(Route(one.path, page(desk, one.page, one.right), methods=[one.method]) for one in PLACES),
    ]


async def _static(request: Request) -> Response:
    """A file of ours: a flat folder, by its exact name."""
    name = request.path_params["name"]
    versions = request.app.state.pages._versions  # noqa: SLF001 the same package
    if name not in versions:
        return Response("not found", status_code=404, media_type="text/plain")
    return FileResponse(STATIC / name, headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def _health(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _not_found(request: Request, _error: Exception) -> Response:
    if request.url.path.startswith(f"{BASE}/"):  # a path with a line break matches no mount
        return Problem(404).response()
    desk: Desk = request.app.state.desk

    def show(call: Call) -> Response:
        return call.show("error.html.j2", status=404, title=call.say("error.not_found"), text="")

    return await page(desk, show, None)(request)  # type: ignore[no-any-return]  # an endpoint gives a response
