/** The server took longer than it may. */
export class TimedOut extends Error {}

/** The body has another size than was asked for, or more than is allowed. */
export class WrongSize extends Error {}

/** The connection was an old one that the server may just have closed: another attempt is due. */
export class Stale extends Error {}

/** Why the server is of no use: what it did, in words that follow its name. */
export class Trouble extends Error {}
