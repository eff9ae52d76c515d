-- The whole state of a project's batches. Times are integer epoch milliseconds.
-- `batches`, `stories`, `commands`, `events` and `background_tasks` keep the names and columns of the original tool.

CREATE TABLE batches (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    max_cycles       INTEGER,                          -- NULL: until no story is left
    cycles_completed INTEGER NOT NULL DEFAULT 0,
    status           TEXT    NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'paused', 'waiting_limit', 'stopped', 'completed', 'error')),
    resumable        INTEGER NOT NULL DEFAULT 1,       -- 0: completed, or closed by a new batch
    runs             INTEGER NOT NULL DEFAULT 1,       -- how often it was started or resumed
    resets_at        INTEGER,                          -- when the usage limit it waits for resets
    reason           TEXT    NOT NULL DEFAULT '',
    agent            TEXT    NOT NULL DEFAULT 'claude'
);

CREATE TABLE cycles (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id       INTEGER NOT NULL REFERENCES batches (id),
    number         INTEGER NOT NULL,
    selection_json TEXT    NOT NULL,
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    status         TEXT    NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed')),
    UNIQUE (batch_id, number)
);

CREATE TABLE stories (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id       INTEGER NOT NULL REFERENCES batches (id),
    story_key      TEXT    NOT NULL,
    epic_id        TEXT    NOT NULL,
    status         TEXT    NOT NULL,                   -- as last seen in the sprint file
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    blocked_reason TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX stories_by_batch ON stories (batch_id, story_key);

CREATE TABLE background_tasks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id     INTEGER NOT NULL REFERENCES batches (id),
    story_key    TEXT    NOT NULL,                     -- comma-separated when two
    task_type    TEXT    NOT NULL,
    spawned_at   INTEGER NOT NULL,
    completed_at INTEGER,
    status       TEXT    NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    step_key     TEXT    NOT NULL DEFAULT '',
    cycle_id     INTEGER REFERENCES cycles (id),
    reason       TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX background_tasks_by_batch ON background_tasks (batch_id, status);

-- One row an attempt. A row is written as an intent (status 'running') before the agent starts.
CREATE TABLE commands (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    story_id           INTEGER REFERENCES stories (id), -- the first of its stories
    command            TEXT    NOT NULL,
    task_id            TEXT    NOT NULL DEFAULT '',      -- the task reported last
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER,
    status             TEXT    NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'success', 'error', 'interrupted', 'limit')),
    output_summary     TEXT    NOT NULL DEFAULT '',
    batch_id           INTEGER REFERENCES batches (id),
    cycle_id           INTEGER REFERENCES cycles (id),
    background_task_id INTEGER REFERENCES background_tasks (id),
    step_key           TEXT    NOT NULL DEFAULT '',      -- its place in the workflow: c2/code-review-3/2a-1-...
    attempt            INTEGER NOT NULL DEFAULT 1,
    agent              TEXT    NOT NULL DEFAULT '',
    model              TEXT    NOT NULL DEFAULT '',
    session_id         TEXT    NOT NULL DEFAULT '',
    continued          INTEGER NOT NULL DEFAULT 0,       -- 1: continues that session
    run_id             TEXT    NOT NULL DEFAULT '',      -- its folder below runs/
    tag                INTEGER NOT NULL DEFAULT 0,       -- the indelible mark of its processes
    before_json        TEXT    NOT NULL DEFAULT '{}',    -- what was true before it started (git HEAD, ...)
    exit_code          INTEGER,
    reason             TEXT    NOT NULL DEFAULT '',
    charged            INTEGER NOT NULL DEFAULT 0,       -- 1: counts as one of the consecutive failures
    resets_at          INTEGER,
    verdict_json       TEXT    NOT NULL DEFAULT '{}',
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cost_usd           REAL    NOT NULL DEFAULT 0,
    num_turns          INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX commands_by_step ON commands (batch_id, step_key, attempt) WHERE step_key <> '';
CREATE UNIQUE INDEX one_success_per_step ON commands (batch_id, step_key) WHERE status = 'success' AND step_key <> '';
CREATE INDEX commands_by_story ON commands (story_id);
CREATE INDEX commands_by_batch ON commands (batch_id, id);
CREATE INDEX commands_running ON commands (status) WHERE status = 'running';

CREATE TABLE command_stories (
    command_id INTEGER NOT NULL REFERENCES commands (id),
    story_id   INTEGER NOT NULL REFERENCES stories (id),
    PRIMARY KEY (command_id, story_id)
) WITHOUT ROWID;

-- What was decided at each place of the workflow: replaying these rows gives the exact position.
CREATE TABLE steps (
    batch_id     INTEGER NOT NULL REFERENCES batches (id),
    step_key     TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    outcome_json TEXT    NOT NULL,
    recorded_at  INTEGER NOT NULL,
    PRIMARY KEY (batch_id, step_key)
) WITHOUT ROWID;

CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,    -- `seq` on the wire
    batch_id     INTEGER REFERENCES batches (id),
    story_id     INTEGER REFERENCES stories (id),
    command_id   INTEGER REFERENCES commands (id),
    timestamp    INTEGER NOT NULL,
    event_type   TEXT    NOT NULL,
    epic_id      TEXT,
    story_key    TEXT,
    command      TEXT,
    task_id      TEXT,
    status       TEXT,
    message      TEXT,
    payload_json TEXT    NOT NULL
);
CREATE INDEX events_by_batch ON events (batch_id, id);
CREATE INDEX events_by_command ON events (command_id, id);
CREATE INDEX events_by_type ON events (event_type, id);

-- The status of every story as last read: what differs from it is a change somebody made.
CREATE TABLE sprint_seen (
    story_key TEXT PRIMARY KEY,
    status    TEXT    NOT NULL,
    seen_at   INTEGER NOT NULL
) WITHOUT ROWID;
