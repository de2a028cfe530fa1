"""Reading frames of the sports channel into game updates."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from .fields import CamelShape, Flag, Moment, Text, read_shape
from .stream_events import GameUpdate


class _GameShape(CamelShape):
    """The documented and the observed shape: the latter has no slug, and its end in camelCase."""

    game_id: Text
    league_abbreviation: Text = ""
    slug: Text = ""
    home_team: Text = ""
    away_team: Text = ""
    status: Text = ""
    score: Text = ""
    period: Text = ""
    elapsed: Text = ""
    turn: Text = ""
    live: Flag = False
    ended: Flag = False
    finished_camel: Moment = Field(default=None, validation_alias="finishedTimestamp")
    finished_snake: Moment = Field(default=None, validation_alias=AliasChoices("finished_timestamp"))


def parse_game_update(frame: Any) -> GameUpdate | None:
    """One object of the sports channel; None for an object that is about no game."""
    if isinstance(frame, dict) and "gameId" not in frame:
        return None
    shape = read_shape(_GameShape, frame)
    return GameUpdate(
        game_id=shape.game_id,
        league=shape.league_abbreviation,
        slug=shape.slug,
        home_team=shape.home_team,
        away_team=shape.away_team,
        status=shape.status,
        score=shape.score,
        period=shape.period,
        elapsed=shape.elapsed,
        turn=shape.turn,
        live=shape.live,
        ended=shape.ended,
        finished_at=shape.finished_camel or shape.finished_snake,
    )
