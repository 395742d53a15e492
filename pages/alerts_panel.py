"""The alerts on a page: which fire and how sure that is, and a form to add, change or remove one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import streamlit as st

from metrics.catalog import metric as declared
from metrics.declare import MetricError
from metrics.filters import Filters
from metrics.lists import LISTS, worklist
from pages import alerts, frame, theme
from pages.alerts import Alert, ChangeAlert, Found, Kept, LimitAlert, ListAlert
from pages.journal import JournalError

TITLE: Final = "Alerts"
KINDS: Final = {
    "list": "A list that should be empty",
    "limit": "A rate past a limit",
    "change": "A rate that changed",
}
SIDES: Final = {
    "limit": {"below": "below", "above": "above"},
    "change": {"fell": "fell", "rose": "rose", "either": "changed either way"},
}
_STATES: Final = {
    True: ":material/notifications_active: **Fires**",
    False: ":material/notifications_off: Quiet",
    None: ":material/help: Cannot be told",
}
USUAL: Final[tuple[Alert, ...]] = (
    ListAlert(title="Messages without an answer", list_name="unanswered_message"),
    ListAlert(title="Leads that nobody has called", list_name="no_human_touch"),
    ChangeAlert(title="Contact rate fell", metric="contact_rate", side="fell"),
)
_NEW: Final = "new"
_EDITED: Final = "alert_edited"
_SAID: Final = "alert_said"

Values = Mapping[str, Any]


def render(filters: Filters) -> None:
    """Draw the alerts, on their own behind a skeleton; what is added under filters looks at what they keep."""
    st.subheader(TITLE)
    frame.later(_panel, filters)


def _panel(filters: Filters) -> None:
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        st.info(theme.plain(said), icon=":material/check:")
    try:
        kept = alerts.seen_by(frame.warehouse(), alerts.saved(frame.journal()))
        found = [frame.ask_anew(alerts.look_at, one, frame.journal()) for one in kept]
    except JournalError as error:
        st.error(theme.plain(str(error)))
        return
    st.markdown(answer(found))
    st.caption(
        "A rate fires only where chance is no explanation: its whole 99.8% interval lies past the limit, and rows that "
        "are still open could not bring it back. Fired alerts stand first in the weekly letter."
    )
    for one, told in sorted(zip(kept, found, strict=True), key=lambda pair: not pair[1].is_fired):
        _alert(one, told)
    if not kept:
        st.button("Add the three usual alerts", on_click=_add_usual, key="alerts_usual", icon=":material/add_alert:")
    _editor(kept, filters)


def answer(found: list[Found]) -> str:
    """How many alerts fire, and what to do next; as Markdown."""
    fired = [one for one in found if one.is_fired]
    if not found:
        return "**No alert is kept.** Next: add what should never be, and the weekly letter will begin with it."
    if not fired:
        count = "The one alert is" if len(found) == 1 else f"All {len(found)} alerts are"
        return f"**{count} quiet.** Nothing to do here."
    named = theme.plain(", ".join(one.title for one in fired))
    return f"**{len(fired)} of {len(found)} fire:** {named}. Next: follow the link below each."


def _alert(kept: Kept, found: Found) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"{_STATES[found.is_fired]} · **{theme.plain(kept.title)}**  \n{theme.plain(found.sentence)}")
        watched = "" if kept.alert is None else f"{alerts.watched(kept.alert)}. "
        by = f"Saved by {frame.named(kept.who)}" if kept.who else "Saved"
        st.caption(theme.plain(f"{watched}{by}, {kept.at:%Y-%m-%d}."))
        with st.container(horizontal=True, vertical_alignment="center"):
            _further(kept.alert)
            if kept.alert is not None:
                st.button("Change", key=f"alert_change_{kept.key}", type="tertiary", on_click=_edit, args=(kept.key,))
            st.button(
                "Remove", key=f"alert_remove_{kept.key}", type="tertiary", on_click=_remove, args=(kept.key, kept.title)
            )


def _further(alert: Alert | None) -> None:
    if isinstance(alert, ListAlert):
        frame.link("worklist", "Open the worklist")
    elif alert is not None:
        frame.link("definitions", f"Definition of {declared(alert.metric).label.lower()}", metric=alert.metric)


# What the buttons do --------------------------------------------------------------------------------------------------


def _edit(key: str) -> None:
    st.session_state[_EDITED] = key


def _remove(key: str, title: str) -> None:
    _write(partial(alerts.remove, frame.journal(), key, who=frame.who()), f"Removed: {title}")


def _add_usual() -> None:
    for alert in USUAL:
        _write(partial(alerts.save, frame.journal(), alert, who=frame.who()), f"{len(USUAL)} alerts added")


def _write(action: partial[Any], said: str) -> None:
    try:
        action()
    except JournalError as error:
        said = str(error)
    st.session_state[_SAID] = said


# The form -------------------------------------------------------------------------------------------------------------


def _editor(kept: list[Kept], filters: Filters) -> None:
    """One form for a new alert and for one that is changed; another alert has widgets of its own."""
    by_key = {one.key: one.alert for one in kept}
    key = st.session_state.get(_EDITED, _NEW)
    old = by_key.get(key)
    key = key if old is not None else _NEW
    label = "Add an alert" if old is None else f"Change “{theme.plain(old.title)}”"
    with st.expander(label, expanded=old is not None, icon=":material/add_alert:"):
        frame.ask_name()
        values = _form(key, old, filters)
        with st.container(horizontal=True):
            if st.button("Save alert", key=f"alert_save_{key}"):
                _save(values, "" if old is None else key)
            if old is not None:
                st.button("Keep it as it was", key="alert_cancel", on_click=_edit, args=(_NEW,))


def _save(values: Values, key: str) -> None:
    try:
        alert = alerts.read_alert(values)
        alerts.save(frame.journal(), alert, who=frame.who(), key=key)
    except (MetricError, JournalError) as error:
        st.error(theme.plain(str(error)))
        return
    st.session_state[_EDITED] = _NEW
    st.session_state[_SAID] = f"Saved: {alert.title}"
    st.rerun()


def _form(key: str, old: Alert | None, filters: Filters) -> Values:
    kinds = list(KINDS)
    kind = st.segmented_control(
        "What to watch",
        kinds,
        default=old.kind if old else kinds[0],
        format_func=KINDS.__getitem__,
        required=True,
        key=f"alert_kind_{key}",
    )
    fields = _list_fields(key, old) if kind == "list" else _rate_fields(key, old, str(kind))
    title = st.text_input("Name of the alert", old.title if old else "", key=f"alert_title_{key}", max_chars=120)
    return {"kind": kind, "title": title or _proposed(fields), "where": _scope(key, old, filters), **fields}


def _list_fields(key: str, old: Alert | None) -> Values:
    names = [one.name for one in LISTS]
    place = names.index(old.list_name) if isinstance(old, ListAlert) else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("List", names, place, format_func=lambda one: worklist(one).label, key=f"alert_list_{key}")
        most = st.number_input(
            "Customers allowed", 0, 1000, old.most if isinstance(old, ListAlert) else 0, key=f"alert_most_{key}"
        )
    return {"list_name": name, "most": most}


def _rate_fields(key: str, old: Alert | None, kind: str) -> Values:
    same = old if isinstance(old, LimitAlert | ChangeAlert) and old.kind == kind else None
    sides = list(SIDES[kind])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = alerts.RATES.index(same.metric) if same else alerts.RATES.index("contact_rate")
        rate = st.selectbox(
            "Rate", alerts.RATES, place, format_func=lambda one: declared(one).label, key=f"alert_rate_{kind}_{key}"
        )
        side = st.selectbox(
            "Direction",
            sides,
            sides.index(same.side) if same else 0,
            format_func=SIDES[kind].__getitem__,
            key=f"alert_side_{kind}_{key}",
        )
        days = st.number_input(
            "Days looked back", 7, alerts.MOST_DAYS, same.days if same else 28, key=f"alert_days_{kind}_{key}"
        )
        fields: dict[str, Any] = {"metric": rate, "side": side, "days": days}
        if kind == "limit":
            fields["limit"] = _limit(key, same)
    return fields


def _limit(key: str, same: LimitAlert | ChangeAlert | None) -> float:
    percent = alerts.as_percent(same.limit) if isinstance(same, LimitAlert) else 60.0
    typed = st.number_input("Limit in percent", 0.1, 99.9, percent, step=1.0, key=f"alert_limit_{key}")
    return alerts.from_percent(typed)


def _scope(key: str, old: Alert | None, filters: Filters) -> Values:
    """What the alert looks at: what it did before, or what the filters keep now."""
    if not filters.where:
        return old.where if old else {}
    words = theme.plain(frame.scope_words(filters))
    is_scoped = st.checkbox(f"Only what the filters keep: {words}", value=old is None, key=f"alert_scope_{key}")
    if is_scoped:
        return filters.where
    return old.where if old else {}


def _proposed(fields: Values) -> str:
    """A name for an alert that was given none."""
    if "list_name" in fields:
        return worklist(str(fields["list_name"])).label
    label, side = declared(str(fields["metric"])).label, str(fields["side"])
    return f"{label} {'changed' if side == 'either' else side}"
