"""The peer of the identity benchmark: log-in, who-am-I and refresh as one would write them with FastAPI, PyJWT and SQLAlchemy.

    peer.py seed DATABASE          makes a SQLite file with one user
    PEER_DATABASE=… uvicorn peer:app

Passwords by argon2-cffi with Socle's parameters. Refresh tokens are opaque, kept as hashes, and replaced at every use; who
shows an old one loses the session. Every read checks the token's signature and expiry, and loads the session and the user.
"""

import hashlib
import os
import secrets
import sys
from datetime import datetime, timedelta, timezone
from typing import Annotated

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, event, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

SECRET = "a secret of the benchmark, of more than thirty-two characters"
EMAIL, PASSWORD = "admin@example.com", "correct-horse-battery-staple"
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class Login(Base):
    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    refresh_hash: Mapped[str] = mapped_column(index=True)
    previous_hash: Mapped[str | None] = mapped_column(index=True)
    ended: Mapped[bool] = mapped_column(default=False)


class Credentials(BaseModel):
    email: str
    password: str


class Refresh(BaseModel):
    refresh_token: str


class Tokens(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int = 900


class Me(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    email: str
    first_name: str
    last_name: str
    role: str
    is_active: bool


def engine_of(path):
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": 30}, pool_size=40)

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


Db = Annotated[Session, Depends(session)]


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def pair(user_id, session_id, refresh):
    now = datetime.now(timezone.utc)
    claims = {"sub": str(user_id), "sid": session_id, "iat": now, "exp": now + timedelta(minutes=15)}
    return Tokens(access_token=jwt.encode(claims, SECRET, algorithm="HS256"), refresh_token=refresh)


def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], db: Db) -> User:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    login = db.get(Login, claims["sid"])
    user = db.get(User, int(claims["sub"]))
    if login is None or login.ended or user is None or not user.is_active:
        raise HTTPException(401, "invalid token")
    return user


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/api/v1/auth/login")
def login(body: Credentials, db: Db) -> Tokens:
    user = db.scalar(select(User).where(User.email == body.email))
    try:
        hasher.verify(user.password_hash, body.password)
    except (AttributeError, VerifyMismatchError) as error:
        raise HTTPException(401, "wrong address or password") from error
    refresh = secrets.token_urlsafe(32)
    opened = Login(user_id=user.id, refresh_hash=digest(refresh))
    db.add(opened)
    db.commit()
    return pair(user.id, opened.id, refresh)


@app.get("/api/v1/auth/me")
def me(user: Annotated[User, Depends(current_user)]) -> Me:
    return Me.model_validate(user)


@app.post("/api/v1/auth/refresh")
def refresh(body: Refresh, db: Db) -> Tokens:
    shown, following = digest(body.refresh_token), secrets.token_urlsafe(32)
    opened = db.execute(
        update(Login).where(Login.refresh_hash == shown, Login.ended.is_(False))
        .values(refresh_hash=digest(following), previous_hash=shown).returning(Login.id, Login.user_id)
    ).first()
    if opened is None:
        db.execute(update(Login).where(Login.previous_hash == shown).values(ended=True))
        db.commit()
        raise HTTPException(401, "invalid token")
    db.commit()
    return pair(opened.user_id, opened.id, following)


def seed(path):
    target = engine_of(path)
    Base.metadata.create_all(target)
    with Session(target) as db:
        db.add(User(email=EMAIL, first_name="Ada", last_name="Byron", role="admin", password_hash=hasher.hash(PASSWORD)))
        db.commit()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["seed", path]:
            seed(path)
        case _:
            sys.exit(__doc__)
