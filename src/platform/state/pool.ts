/** Connections to either database, with one driver. What fails comes back as what the caller can act on. */
import { Socket } from "node:net";
import pg from "pg";
import type { EmbeddedDatabase } from "./embedded/embedded-database.ts";
import { asStateFailure, wasNotBegun } from "./failures.ts";

export interface PoolOptions {
  /** What to call the database in a message. */
  readonly place: string;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly idleInTransactionMs: number;
}

/** The pool of a server. */
export function serverPool(url: string, options: PoolOptions): pg.Pool {
  return pool({
    ...options,
    configuration: {
      connectionString: url,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: options.idleInTransactionMs,
    },
  });
}

/** The pool of an embedded database, wherever its holder is. A statement that a leaving holder did not begin is sent again. */
export function embeddedPool(database: EmbeddedDatabase, options: PoolOptions): pg.Pool {
  let path = "";
  return pool({
    ...options,
    async beforeConnect() {
      path = await database.reach();
    },
    configuration: {
      user: "postgres",
      database: "postgres",
      // A path of our own choosing, and named pipes, are not what the driver can be told otherwise.
      stream: () => {
        const socket = new Socket();
        const connect = socket.connect.bind(socket) as (path: string) => Socket;
        socket.connect = (() => connect(path)) as typeof socket.connect;
        return socket;
      },
    },
  });
}

function pool({
  place,
  connections,
  connectTimeoutMs,
  beforeConnect,
  configuration,
}: PoolOptions & { beforeConnect?: () => Promise<void>; configuration: pg.PoolConfig }): pg.Pool {
  const explain = (error: unknown) => {
    throw asStateFailure(error, place);
  };

  class Client extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      // A connection that is lost tells each of its statements, and the pool; without a listener it would end the process.
      this.on("error", () => {});
    }

    // biome-ignore lint/suspicious/noExplicitAny: the driver's methods have many forms, and these add none
    override connect(...[callback]: any[]): any {
      const connected = (beforeConnect?.() ?? Promise.resolve()).then(() => super.connect());
      if (callback === undefined) return connected;
      connected.then(() => callback(), callback);
    }

    // biome-ignore lint/suspicious/noExplicitAny: as above
    override query(...parameters: any[]): any {
      const answer = super.query(...(parameters as [string]));
      return answer instanceof Promise ? answer.catch(explain) : answer;
    }
  }

  class Pool extends pg.Pool {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    override query(...parameters: any[]): any {
      const ask = () => super.query(...(parameters as [string])) as unknown as Promise<unknown> | undefined;
      const answer = ask();
      if (!(answer instanceof Promise)) return answer;
      return answer
        .catch((error) => (beforeConnect && wasNotBegun(error) ? ask() : Promise.reject(error)))
        .catch(explain);
    }

    // biome-ignore lint/suspicious/noExplicitAny: as above
    override connect(...parameters: any[]): any {
      const answer = super.connect(...(parameters as [])) as unknown;
      return answer instanceof Promise ? answer.catch(explain) : answer;
    }
  }

  const made = new Pool({
    ...configuration,
    Client,
    max: connections,
    // Opening the embedded database is part of connecting to it, and has patience of its own.
    ...(beforeConnect ? {} : { connectionTimeoutMillis: connectTimeoutMs }),
    allowExitOnIdle: true,
    application_name: "fathom",
    keepAlive: true,
  });
  made.on("error", () => {}); // an idle connection was lost: the next statement makes another
  return made;
}
