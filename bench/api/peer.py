"""The peer of the list benchmark: the same events endpoint, as one would write it with FastAPI and SQLAlchemy.

    peer.py seed DATABASE ROWS     makes a SQLite file with one user, one workspace and that many events
    peer.py token                  prints a bearer token for that user
    PEER_DATABASE=… uvicorn peer:app

Every request checks the token's signature and expiry, loads the user, and reads one page of events of the user's
workspace with the camera's and the zone's name, newest first, by cursor.
"""

import os
import sys
from datetime import datetime, timedelta, timezone
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, ForeignKey, Index, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship, sessionmaker

from seed import EVIDENCE

SECRET = "a secret of the benchmark, of more than thirty-two characters"
START = datetime(2026, 1, 1)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)


class Camera(Base):
    __tablename__ = "cameras"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Zone(Base):
    __tablename__ = "zones"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int]
    camera_id: Mapped[int] = mapped_column(ForeignKey("cameras.id"))
    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id"))
    kind: Mapped[str]
    severity: Mapped[str]
    confidence: Mapped[float]
    state: Mapped[str]
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    class_name: Mapped[str]
    track_ids: Mapped[list] = mapped_column(JSON)
    clip_state: Mapped[str]
    evidence: Mapped[dict] = mapped_column(JSON)
    camera: Mapped[Camera] = relationship()
    zone: Mapped[Zone] = relationship()
    __table_args__ = (Index("events_by_workspace", "workspace_id", "id"),)


class EventBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    camera_id: int
    camera_name: str
    zone_id: int
    zone_name: str
    kind: str
    severity: str
    confidence: float
    state: str
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    acknowledged: datetime | None
    class_name: str
    track_ids: list[int]
    snapshot_url: str | None
    clip_url: str | None
    clip_state: str
    evidence: dict

    @classmethod
    def of(cls, row: Event) -> "EventBody":
        return cls(
            id=row.id, camera_id=row.camera_id, camera_name=row.camera.name, zone_id=row.zone_id, zone_name=row.zone.name,
            kind=row.kind, severity=row.severity, confidence=row.confidence, state=row.state, started_at=row.started_at,
            last_seen_at=row.last_seen_at, ended_at=row.ended_at, acknowledged=row.acknowledged_at,
            class_name=row.class_name, track_ids=row.track_ids, snapshot_url=None, clip_url=None, clip_state=row.clip_state,
            evidence=row.evidence,
        )


class Feed(BaseModel):
    items: list[EventBody]
    next_cursor: str | None


def engine_of(path):
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False}, pool_size=20)

    @event.listens_for(engine, "connect")
    def tune(connection, _record):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


engine = engine_of(os.environ.get("PEER_DATABASE", ":memory:"))
Sessions = sessionmaker(engine, expire_on_commit=False)
bearer = HTTPBearer()
app = FastAPI()


def session():
    with Sessions() as opened:
        yield opened


def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], db: Annotated[Session, Depends(session)]
) -> User:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    user = db.get(User, int(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(401, "invalid token")
    return user


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/api/v1/surveillance/events")
def events(
    user: Annotated[User, Depends(current_user)],
    db: Annotated[Session, Depends(session)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: int | None = None,
) -> Feed:
    query = select(Event).options(joinedload(Event.camera), joinedload(Event.zone)).where(Event.workspace_id == user.workspace_id)
    if cursor is not None:
        query = query.where(Event.id < cursor)
    rows = db.scalars(query.order_by(Event.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return Feed(items=[EventBody.of(row) for row in rows[:limit]], next_cursor=str(rows[limit - 1].id) if more else None)


def seed(path, rows):
    target = engine_of(path)
    Base.metadata.create_all(target)
    with Session(target) as db:
        db.add(User(id=1, email="admin@example.com", workspace_id=1))
        db.add_all([Camera(id=1, name="Back door"), Zone(id=1, name="Yard")])
        db.flush()
        for n in range(rows):
            at = START + timedelta(seconds=30 * n)
            db.add(Event(
                workspace_id=1, camera_id=1, zone_id=1, kind="intrusion", severity="medium", confidence=0.5 + n % 50 / 100,
                state="ended", started_at=at, last_seen_at=at + timedelta(seconds=8), ended_at=at + timedelta(seconds=9),
                class_name="person", track_ids=[n % 900 + 1], clip_state="none", evidence=EVIDENCE,
            ))
        db.commit()


def token():
    expires = datetime.now(timezone.utc) + timedelta(hours=1)
    return jwt.encode({"sub": "1", "exp": expires}, SECRET, algorithm="HS256")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["seed", path, rows]:
            seed(path, int(rows))
        case ["token"]:
            print(token())
        case _:
            sys.exit(__doc__)
