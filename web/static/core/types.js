/**
 * The shapes that the parts of the page hand to each other. Times are epoch milliseconds. What comes from the server
 * keeps the server's names, so that a shape here can be laid beside its class there.
 *
 * @typedef {{seq: number, type: string, timestamp: number, payload: Record<string, any>}} Envelope
 *   A stored event, as the WebSocket sends it.
 *
 * @typedef {object} Running - An attempt of a command that has not ended.
 * @property {number} command_id
 * @property {string} command
 * @property {string[]} story_keys
 * @property {number} attempt
 * @property {string} model - Empty: the agent CLI's own default.
 * @property {boolean} background
 * @property {number} started_at
 * @property {number} last_at - When the agent was last heard of.
 * @property {string} task
 * @property {string} doing
 *
 * @typedef {object} StoryCard - A story of the batch.
 * @property {string} key
 * @property {string} status
 * @property {string[]} phases - Those it has entered, in order; the last one is where it stands.
 * @property {number} reviews
 * @property {number} started_at
 * @property {number | null} ended_at
 * @property {string} reason - Why it is blocked.
 * @property {number} tokens
 * @property {number} cost_usd
 *
 * @typedef {{task_type: string, story_keys: string[], started_at: number}} Chain
 *   A background chain or context refresh that has not ended.
 *
 * @typedef {object} Board - A batch as its events tell it: `runner/domain/board.py`, field by field.
 * @property {number} seq
 * @property {number} at
 * @property {number | null} batch_id
 * @property {number | null} max_cycles - null: until no story is left.
 * @property {string} state
 * @property {string} detail
 * @property {number | null} resets_at
 * @property {number} started_at
 * @property {number | null} ended_at
 * @property {number} worked_ms
 * @property {number} cycle
 * @property {string[]} cycle_keys
 * @property {number} cycles_completed
 * @property {Record<string, StoryCard>} stories
 * @property {Record<string, Running>} running
 * @property {Record<string, Chain>} background
 * @property {number} commands
 * @property {number} failures
 * @property {number} warnings
 * @property {number} tokens
 * @property {number} cost_usd
 *
 * @typedef {object} Attempt - One attempt of a command, ended or not: a bar of the timeline.
 * @property {number} id
 * @property {string} command
 * @property {string[]} story_keys
 * @property {number} attempt
 * @property {string} model
 * @property {boolean} background
 * @property {number} started_at
 * @property {number | null} ended_at
 * @property {string} status - running, success, error, interrupted, limit
 * @property {string} reason
 * @property {number} tokens
 * @property {number} cost_usd
 *
 * @typedef {object} ChainBar - A background chain or context refresh of the timeline.
 * @property {number} id
 * @property {string} task_type
 * @property {string[]} story_keys
 * @property {number} started_at
 * @property {number | null} ended_at
 * @property {string} status - running, completed, failed, interrupted
 *
 * @typedef {{from: number, to: number | null, state: string}} Wait
 *   A time in which the batch was paused or waited for a limit.
 *
 * @typedef {object} Scene - All that a view shows of one batch, live or past.
 * @property {Board} board
 * @property {Record<string, Attempt>} attempts - By id.
 * @property {Record<string, ChainBar>} chains - By id.
 * @property {Wait[]} waits
 *
 * @typedef {object} LogLine - An event as the log shows it.
 * @property {number} seq
 * @property {number} at
 * @property {string} type
 * @property {string} kind - What it tells of: batch, cycle, story, command; of a command at work task, tool, text, note.
 * @property {string} story
 * @property {string} command
 * @property {string} task
 * @property {string} status
 * @property {string} message
 * @property {number | null} commandId
 * @property {'error' | 'warning' | 'success' | 'running' | 'waiting' | 'idle'} tone
 *
 * @typedef {object} Node - A branch of the supervision tree.
 * @property {string} id
 * @property {'supervisor' | 'actor' | 'worker' | 'process'} role
 * @property {string} state
 * @property {number} since
 * @property {number} restarts
 * @property {number | null} max_restarts
 * @property {string | null} last_error
 * @property {{depth: number, capacity: number} | null} mailbox
 * @property {number | null} deadline
 * @property {number | null} pid
 * @property {Node[]} children
 *
 * @typedef {object} Overview - What goes on: the body of `GET /api/orchestrator/status`.
 * @property {string} status - idle, starting, running, pausing, paused, waiting_limit, stopping
 * @property {number | null} batch_id
 * @property {number | null} max_cycles
 * @property {number} cycles_completed
 * @property {{number: number, story_keys: string[]} | null} cycle
 * @property {{story_keys: string[], command: string, task_id: string, attempt: number, started_at: number, pid: number | null}[]} current
 * @property {{batch_id: number, status: string, max_cycles: number | null, cycles_completed: number, reason: string} | null} resumable
 * @property {{resets_at: number} | null} limit
 * @property {Node | null} supervision
 * @property {{clients: number, delivered: number, evicted: number, latency_ms: {p50: number, p99: number, max: number}} | null} fanout
 * @property {number} last_seq
 *
 * @typedef {object} Health - How the runner itself does.
 * @property {number} loop_lag_ms
 * @property {number} commit_delay_ms
 * @property {number} client_lag
 * @property {number} queued_bytes
 * @property {number} longest_bytes
 * @property {number} worst_eviction_ms
 * @property {number} database_bytes
 * @property {number} memory_bytes
 *
 * @typedef {object} Story - A story as the sprint file has it.
 * @property {string} key
 * @property {string} short_key
 * @property {string} epic_id
 * @property {string} name
 * @property {string} status
 * @property {number | null} duration_ms
 * @property {string | null} blocked_reason
 *
 * @typedef {{id: string, title: string, status: string, stories_done: number, stories_total: number}} Epic
 *
 * @typedef {{epics: Epic[], stories: Story[]}} Sprint
 *
 * @typedef {object} BatchLine - A line of the batch list.
 * @property {number} id
 * @property {string} status
 * @property {number} started_at
 * @property {number | null} ended_at
 * @property {number | null} max_cycles
 * @property {number} cycles_completed
 * @property {number} story_count
 * @property {number | null} duration_ms
 * @property {number} cost_usd
 *
 * @typedef {{number: number, story_keys: string[], steps: {phase: string, commands: string[], story_keys: string[], assumed: string}[]}} PlannedCycle
 * @typedef {{cycles: PlannedCycle[], left: string[]}} Plan
 *
 * @typedef {object} Line - The connection to the server.
 * @property {'connecting' | 'live' | 'reconnecting'} state
 * @property {number} since
 * @property {number} from - The same by the clock that nobody sets, `performance.now()`.
 * @property {number} retryAt - When it is tried again, by that clock; 0: now.
 * @property {'' | 'gone' | 'token' | 'full'} cause - Why it is not live, where that is known.
 * @property {number | null} latency - Milliseconds from an event to its arrival here, of the last ones.
 *
 * @typedef {object} Toast
 * @property {number} id
 * @property {'error' | 'warning' | 'info' | 'success'} tone - Errors stay.
 * @property {boolean} [stays] - Until it is closed or taken back, also where it is no error.
 * @property {string} [about] - By which it is taken back.
 * @property {string} title
 * @property {string} text
 * @property {string} [href]
 * @property {number} count - How often the same was said.
 *
 * @typedef {{view: string, batch: number | null, story: string | null, command: number | null, filters: Record<string, string>}} Route
 *   What the address says. `batch` null: the present one, live.
 *
 * @typedef {object} Past - A past batch that is shown instead of the present one.
 * @property {number} batchId
 * @property {Scene | null} scene - null while it is loaded.
 * @property {string} error
 * @property {import('./event_log.js').EventLog} log
 * @property {Player | null} player - While it is played again.
 *
 * @typedef {object} Player
 * @property {import('./replay.js').Replay | null} replay - null while the events are loaded.
 * @property {number} loaded - Events that have been.
 * @property {number} at - The moment that is shown.
 * @property {number} speed
 * @property {boolean} playing
 *
 * @typedef {{since: number, error: string, hint: string}} Pending - An order that the server has not confirmed, or has refused.
 *
 * @typedef {object} State
 * @property {Scene} live
 * @property {import('./event_log.js').EventLog} log - Of the present; changed in place, `logVersion` tells when.
 * @property {number} logVersion
 * @property {Line} line
 * @property {boolean} loaded - Whether the present has come.
 * @property {string} loadError
 * @property {Overview | null} overview
 * @property {Health | null} health
 * @property {Sprint | null} sprint
 * @property {{error: string, hint: string} | null} sprintError
 * @property {Record<string, string>} descriptions - By the stem of the story's file.
 * @property {{rows: BatchLine[], total: number, loading: boolean, error: string}} batches
 * @property {Plan | null} plan
 * @property {Past | null} past
 * @property {Route} route
 * @property {Record<string, Pending>} orders - By name: start, stop, pause, resume.
 * @property {Toast[]} toasts
 * @property {Record<string, any>} prefs
 * @property {Record<string, any>} local - What views keep for themselves until the page is closed, by view.
 * @property {string} overlay - The dialog or menu that is open; empty: none.
 * @property {number} now
 * @property {string} project
 * @property {number} idleMinutes - The idle limit of commands; 0: none.
 */
export {};
