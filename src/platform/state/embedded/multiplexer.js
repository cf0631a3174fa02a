// Many connections on one session of PostgreSQL: the embedded database has only one. Whoever sends a batch owns the session until the
// answer says that no transaction is open; the others wait their turn.
//
// What belongs to a session is kept apart: named statements carry the number of their connection, settings are put back when the
// session changes hands. What cannot be kept apart (advisory locks of a session, LISTEN, COPY from the client) is refused.
import {
  closeStatement,
  endsUnit,
  fatal,
  isFrontend,
  message,
  query,
  readAnswer,
  readMessage,
  readStartup,
  sync,
  textAt,
  welcome,
} from "./wire.js";

const refusals = [
  {
    pattern: /\bpg_(?:try_)?advisory_(?:un)?lock(?:_shared|_all)?\s*\(/i,
    reason: "advisory locks of a session are not kept by the embedded database, use pg_advisory_xact_lock",
  },
  { pattern: /^\s*listen\b/i, reason: "LISTEN is not served by the embedded database" },
  {
    pattern: /^\s*copy\b[^;]*\bfrom\s+stdin\b/i,
    reason: "COPY FROM STDIN is not served by the embedded database",
  },
];
const mayChangeSettings = /\bset_config\s*\(/i;
const lingerMs = 500;
const shuttingDown = "the process that holds the embedded database is ending; connect again";

/**
 * @param {object} options
 * @param {(message: Uint8Array) => Promise<Buffer>} options.execute runs whole messages and answers with the session's reply
 * @param {Readonly<Record<string, string>>} options.parameters what a new connection is told of the server
 * @param {number} options.idleInTransactionMs how long a transaction may be open without a statement
 * @param {(error: unknown) => void} options.onFailure the session is lost
 */
export function createMultiplexer({ execute, parameters, idleInTransactionMs, onFailure }) {
  /** @type {Set<ReturnType<typeof createConnection>>} */
  const connections = new Set();
  /** Sockets whose clients have been told to go. */
  const lingers = new Set();
  /** Connections with work, each once, in the order of their turn. */
  const ready = [];
  let owner = null;
  let running = false;
  let closing = false;
  let failed = false;
  /** The settings that the session has now, and those that it began with. */
  const none = [];
  let settings = none;
  let idleTimer;
  let next = 1;
  let onIdle = () => {};

  const attend = () => {
    if (running || failed) return;
    running = true;
    setImmediate(() => {
      turn()
        .catch(fail)
        .finally(() => {
          running = false;
          if (owner === null ? ready.length > 0 : owner.units.length > 0 || owner.gone) attend();
          else onIdle();
        });
    });
  };

  const fail = (error) => {
    failed = true;
    for (const connection of connections) connection.socket.destroy();
    onFailure(error);
  };

  /** One unit of one connection. */
  async function turn() {
    if (owner?.gone) await release(owner);
    if (owner !== null && owner.units.length === 0) return;
    const connection = owner ?? ready.shift();
    if (connection === undefined) return;
    clearTimeout(idleTimer);
    if (connection.gone) return await release(connection);
    const unit = connection.units.shift();
    if (unit === undefined) return;
    if (owner === null && settings !== connection.settings) await restore(connection.settings);
    const output = await execute(unit.bytes);
    connection.write(output);
    const answer = readAnswer(output);
    if (answer.settings || unit.maySet) connection.changed = true;
    if (answer.status === "I") {
      owner = null;
      if (connection.changed) await capture(connection);
      if (connection.units.length > 0 && !ready.includes(connection)) ready.push(connection);
      return;
    }
    owner = connection;
    if (connection.units.length === 0) {
      idleTimer = setTimeout(() => {
        const seconds = idleInTransactionMs / 1000;
        connection.end(
          fatal("25P03", `a transaction was open without a statement for more than ${seconds} s`),
        );
      }, idleInTransactionMs);
    }
  }

  /** Ends what a connection has left behind: an open transaction, named statements. */
  async function release(connection) {
    if (owner === connection) {
      clearTimeout(idleTimer);
      const { status } = readAnswer(await execute(sync));
      if (status !== "I") await execute(query("ROLLBACK"));
      owner = null;
    }
    if (connection.statements.size > 0) {
      await execute(Buffer.concat([...[...connection.statements].map(closeStatement), sync]));
      connection.statements.clear();
    }
  }

  /** Remembers the settings that a connection made for itself. */
  async function capture(connection) {
    connection.changed = false;
    const text = "select name, setting from pg_settings where source = 'session' order by name";
    const { rows } = readAnswer(await execute(query(text)), { rows: true });
    connection.settings = rows.length === 0 ? none : rows;
    settings = connection.settings;
  }

  async function restore(wanted) {
    const quote = (text) => `'${text.replaceAll("'", "''")}'`;
    const calls = wanted.map(([name, value]) => `set_config(${quote(name)}, ${quote(value)}, false)`);
    await execute(query(`RESET ALL${calls.length > 0 ? `; select ${calls.join(", ")}` : ""}`));
    settings = wanted;
  }

  function createConnection(socket) {
    const id = next++;
    let buffer = Buffer.alloc(0);
    let started = false;
    let batch = [];
    let maySet = false;
    /** An unnamed statement lives to the end of its batch, since any other connection makes its own. */
    let hasUnnamed = false;

    const connection = {
      socket,
      units: [],
      statements: new Set(),
      settings: none,
      changed: false,
      gone: false,
      write(bytes) {
        if (!connection.gone && socket.writable) socket.write(bytes);
      },
      /** Says why, and closes. */
      end(bytes) {
        if (connection.gone) return;
        connection.write(bytes);
        socket.end();
        leave({ lingering: true });
      },
    };

    /** Lingering: what the client is writing just now must not fail before it has read why the connection ends. */
    const leave = ({ lingering = false } = {}) => {
      if (connection.gone) return;
      connection.gone = true;
      if (lingering) {
        lingers.add(socket);
        const timer = setTimeout(() => socket.destroy(), lingerMs);
        socket.once("end", () => socket.destroySoon());
        socket.once("close", () => {
          clearTimeout(timer);
          lingers.delete(socket);
        });
      } else socket.destroySoon();
      connection.units.length = 0;
      connections.delete(connection);
      const waiting = ready.indexOf(connection);
      if (waiting >= 0) ready.splice(waiting, 1);
      if (owner !== connection && connection.statements.size > 0) ready.push(connection);
      attend();
    };

    const statementName = (name) => `${id}_${name}`;

    /** A message as the shared session may see it. */
    const adapt = (type, bytes) => {
      if (type === "Q") {
        const text = textAt(bytes, 5);
        maySet ||= mayChangeSettings.test(text);
        const refused = refusals.find(({ pattern }) => pattern.test(text));
        return refused ? query(`"${refused.reason}"`) : bytes;
      }
      if (type === "P") {
        const name = textAt(bytes, 5);
        const textStart = bytes.indexOf(0, 5) + 1;
        const text = textAt(bytes, textStart);
        maySet ||= mayChangeSettings.test(text);
        const refused = refusals.find(({ pattern }) => pattern.test(text));
        if (name === "") hasUnnamed = true;
        else connection.statements.add(statementName(name));
        const rest = bytes.subarray(bytes.indexOf(0, textStart) + 1);
        // A text that cannot be parsed carries the reason to the client, with the protocol's own rules for what follows.
        if (refused) return message("P", name && statementName(name), `"${refused.reason}"`, rest);
        return name === "" ? bytes : message("P", statementName(name), bytes.subarray(textStart));
      }
      if (type === "B") {
        const portal = textAt(bytes, 5);
        const at = bytes.indexOf(0, 5) + 1;
        const name = textAt(bytes, at);
        if (name === "" && hasUnnamed) return bytes;
        return message("B", portal, statementName(name), bytes.subarray(bytes.indexOf(0, at) + 1));
      }
      if ((type === "D" || type === "C") && bytes[5] === 0x53) {
        const name = textAt(bytes, 6);
        if (type === "C") connection.statements.delete(statementName(name));
        if (name === "" && (hasUnnamed || type === "C")) return bytes;
        return message(type, Buffer.from("S"), statementName(name));
      }
      return bytes;
    };

    const readStart = () => {
      const packet = readStartup(buffer);
      if (packet === undefined) return false;
      buffer = buffer.subarray(packet.length);
      if (packet.kind === "encryption") connection.write(Buffer.from("N"));
      else if (packet.kind === "startup" && !closing) {
        started = true;
        connection.write(welcome(parameters, id));
      } else if (packet.kind === "startup") connection.end(fatal("57P03", shuttingDown));
      else if (packet.kind === "cancel") leave();
      else connection.end(fatal("08P01", "expected a startup packet of protocol 3"));
      return true;
    };

    const readOne = () => {
      const head = readMessage(buffer);
      if (head === undefined) return false;
      if (!isFrontend(head)) {
        connection.end(fatal("08P01", "expected a message of protocol 3"));
        return false;
      }
      const bytes = buffer.subarray(0, head.length);
      buffer = buffer.subarray(head.length);
      if (head.type === "X") {
        leave();
        return false;
      }
      batch.push(adapt(head.type, bytes));
      if (!endsUnit(head.type)) return true;
      if (closing && owner !== connection) {
        connection.end(fatal("57P01", shuttingDown));
        return false;
      }
      connection.units.push({ bytes: Buffer.concat(batch), maySet });
      batch = [];
      maySet = false;
      if (head.type !== "H") hasUnnamed = false;
      if (owner !== connection && !ready.includes(connection)) ready.push(connection);
      attend();
      return true;
    };

    socket.setNoDelay?.(true);
    /** Pieces of a message that is not whole yet; joined once, since a large one comes in thousands. */
    let pieces = [];
    let missing = 0;
    socket.on("data", (data) => {
      if (connection.gone) return;
      pieces.push(data);
      missing -= data.length;
      if (missing > 0) return;
      buffer = Buffer.concat([buffer, ...pieces]);
      pieces = [];
      try {
        while (!connection.gone && (started ? readOne() : readStart()));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error; // a length that points past the message
        connection.end(fatal("08P01", "expected a message of protocol 3"));
      }
      missing = started && buffer.length >= 5 ? buffer.readInt32BE(1) + 1 - buffer.length : 0;
    });
    socket.on("error", () => leave());
    socket.on("close", () => leave());
    socket.on("end", () => leave());
    return connection;
  }

  return {
    /**
     * A statement of the server itself, in its turn.
     *
     * @returns {Promise<(string | null)[][]>} rows as text; none after `close`
     */
    ask: (text) =>
      new Promise((resolve) => {
        if (closing || failed) return resolve([]);
        const unit = { bytes: query(text), maySet: false };
        ready.push({
          units: [unit],
          statements: new Set(),
          settings: none,
          changed: false,
          gone: false,
          write: (bytes) => resolve(readAnswer(bytes, { rows: true }).rows),
          end() {},
        });
        attend();
      }),
    /** @param {import("node:net").Socket} socket */
    connect(socket) {
      connections.add(createConnection(socket));
    },
    /** Lets an open transaction end, tells everybody to go elsewhere, and leaves the session idle. */
    async close({ patienceMs }) {
      closing = true;
      for (const connection of connections) {
        if (connection !== owner && connection.units.length === 0)
          connection.end(fatal("57P01", shuttingDown));
      }
      if (running || owner !== null || ready.length > 0) {
        await new Promise((done) => {
          const timer = setTimeout(done, patienceMs);
          onIdle = () => {
            if (owner !== null || ready.length > 0) return;
            clearTimeout(timer);
            done(undefined);
          };
        });
      }
      onIdle = () => {};
      for (const connection of connections) connection.end(fatal("57P01", shuttingDown));
      while (owner !== null || running || lingers.size > 0) await new Promise((done) => setTimeout(done, 1));
    },
  };
}
