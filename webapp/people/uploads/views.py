"""Users from a CSV file: the upload, the look at what would happen, and adding them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp.core.contracts import licences_used
from webapp.core.models import UserUpload, db
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.activation.activate import LicencesExceeded
from webapp.people.bulk.licence_forecast import of_licences
from webapp.people.bulk.responses import giver_here
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.uploads.add import AlreadyAdded, Changed, Forgotten, NobodyLeft, RowsWrong, add, left_out
from webapp.people.uploads.columns import COLUMNS, SET_UP
from webapp.people.uploads.existing import taken_by
from webapp.people.uploads.files import problem_rows, template
from webapp.people.uploads.forms import AddForm, FileForm
from webapp.people.uploads.parse import MAX_ROWS, Sheet, Unreadable
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.store import keep, kept, sheet_of
from webapp.people.uploads.validate import WAYS, Judgement, judge
from webapp.web.access import requires
from webapp.web.exports.send import CSV, attachment
from webapp.web.paging import page_of

bp = Blueprint("uploads", __name__, url_prefix="/c/<contract>/users/upload")

Answer = str | BaseResponse | tuple[str, int]


@bp.route("", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def start(contract: str) -> Answer:
    """Asks for the file; reads and keeps it. Nobody is added."""
    form = FileForm()
    if form.validate_on_submit():
        access: Access = g.access
        sent = form.file.data
        try:
            upload_id = keep(
                access.contract.id,
                sent.read(),
                sent.filename or "",
                account_id=current_user.id,
                by=current_user.name,
            )
        except Unreadable as error:
            form.refuse(str(error))
        else:
            return redirect(url_for(".show", contract=contract, upload_id=upload_id))
    page = render_template("uploads/start.html", form=form, columns=COLUMNS, most=MAX_ROWS)
    return page, 422 if form.errors else 200


@bp.get("/users-template.csv")
@requires(MANAGE_USERS)
def example(contract: str) -> Response:
    return attachment(template(_directory()), "users-template.csv", CSV)


@bp.route("/<int:upload_id>", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def show(contract: str, upload_id: int) -> Answer:
    """GET shows what adding would do, row by row; POST adds."""
    if request.method == "POST":
        return _confirm(_upload(upload_id), _way(request.form.get("as")), AddForm())
    return _page(upload_id, _way(request.args.get("as")), AddForm(formdata=None))


def _confirm(upload: UserUpload, way: str, form: AddForm) -> Answer:
    if not form.validate_on_submit():
        return _page(upload.id, way, form, 422)
    upload_id, file_name = upload.id, upload.file_name
    access: Access = g.access
    try:
        done = add(
            access.contract.id,
            upload_id,
            way,
            leave_out=bool(form.leave_out.data),
            stamp=form.stamp.data or "",
            by_user_id=access.user.id,
        )
    except Forgotten:
        abort(404)
    except AlreadyAdded:
        return redirect(url_for(".show", contract=access.contract.slug, upload_id=upload_id))
    except Changed as changed:
        return _page(upload_id, way, form, 409, changed.judgement, changed=True)
    except RowsWrong as wrong:
        form.refuse(
            "Tick the box to leave them out and add the others, or correct the file and upload it again."
        )
        return _page(upload_id, way, form, 422, wrong.judgement)
    except NobodyLeft as nobody:
        return _page(upload_id, way, form, 409, nobody.judgement, refused=True)
    except LicencesExceeded:
        return _page(upload_id, way, form, 409, refused=True)
    people = "1 person was" if len(done.ids) == 1 else f"{len(done.ids):,} people were"
    words = "are pending" if way == "pending" else "are active now"
    flash(
        f"{people} added from {file_name} and {words if len(done.ids) != 1 else words.replace('are', 'is')}. "
        f"{of_licences(done.free, done.bought)} free.",
        "success",
    )
    return redirect(url_for(".show", contract=access.contract.slug, upload_id=upload_id))


@bp.get("/<int:upload_id>/problems.csv")
@requires(MANAGE_USERS)
def problems(contract: str, upload_id: int) -> Response:
    """The rows with a problem as a file, each with what to do."""
    upload = _upload(upload_id)
    sheet = sheet_of(upload)
    if upload.finished_at is None:
        sheet = left_out(sheet, _judged(sheet, _directory(), _way(request.args.get("as"))))
    return attachment(problem_rows(sheet), "users-with-problems.csv", CSV)


# ------------------------------------------------------------------ shared
def _page(
    upload_id: int,
    way: str,
    form: AddForm,
    status: int = 200,
    judgement: Judgement | None = None,
    **problem: Any,
) -> Answer:
    access: Access = g.access
    upload = _upload(upload_id)
    sheet = sheet_of(upload)
    if upload.finished_at is not None:
        return render_template("uploads/done.html", upload=upload, left=sheet.lines)
    directory = _directory()
    judgement = judgement or _judged(sheet, directory, way)
    form.stamp.data = judgement.stamp
    tab = request.args.get("show")
    wrong_first = tab == "problems" or (tab != "people" and bool(judgement.problems))
    shown: list[Any] = [*(judgement.problems if wrong_first else judgement.entries)]
    page = page_of(len(shown))
    used = licences_used(db.session(), access.contract.id)
    text = render_template(
        "uploads/check.html",
        upload=upload,
        sheet=sheet,
        headings=dict(zip(sheet.columns, sheet.headings, strict=True)),
        way=way,
        with_set_up=any(column in sheet.columns for column in SET_UP),
        form=form,
        judgement=judgement,
        bad=len(judgement.bad_rows),
        wrong_first=wrong_first,
        shown=shown[page.offset : page.offset + page.size],
        page=page,
        directory=directory,
        used=used,
        bought=access.contract.licences,
        short=max(used + len(judgement.entries) - access.contract.licences, 0) if way == "active" else 0,
        problem=problem,
    )
    return (text, status) if status != 200 else text


def _judged(sheet: Sheet, directory: Directory, way: str) -> Judgement:
    access: Access = g.access
    rows = Rows(sheet)
    taken = taken_by(db.session(), access.contract.id, rows)
    return judge(rows, taken, directory, giver_here(directory), way)


def _upload(upload_id: int) -> UserUpload:
    upload = kept(db.session(), g.access.contract.id, upload_id, account_id=current_user.id)
    if upload is None:
        abort(404)
    return upload


def _way(text: str | None) -> str:
    return text if text in WAYS else WAYS[0]


def _directory() -> Directory:
    return directory_of(db.session(), g.access.contract.id)
