// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What the log takes from the machine, so that a simulated one can stand in for it.
///
/// Every path is absolute or relative to the process; errors are `system` or `noSpace`.
package protocol Disk: Sendable {
    /// Opens a file, making an empty one where `create` asks for it.
    func open(_ path: String, for access: DiskAccess) throws(LogError) -> any DiskFile

    /// Opens a file and takes its exclusive lock for as long as the file is kept.
    ///
    /// Throws `locked` with the number that the holder wrote into the file.
    func lock(_ path: String) throws(LogError) -> any DiskFile

    /// The names in a directory, sorted; empty where there is no such directory.
    func list(_ directory: String) throws(LogError) -> [String]

    /// Makes a directory, its parents too, where there is none, and its name durable.
    func makeDirectory(_ path: String) throws(LogError)

    /// Makes a directory's names durable.
    func synchroniseDirectory(_ path: String) throws(LogError)

    /// Gives a file another name in the same directory.
    func rename(_ path: String, to other: String) throws(LogError)

    /// Removes a file.
    func remove(_ path: String) throws(LogError)

    /// The bytes that may still be written to the device of a path.
    func freeBytes(at path: String) throws(LogError) -> UInt64

    /// Unpredictable words, for nonces and salts.
    func randomWords(_ count: Int) -> [UInt64]

    /// Milliseconds since 1970, for names of files alone.
    func clockMilliseconds() -> Int64
}

/// How a file is opened.
package enum DiskAccess: Sendable {
    case read, write, create
}

/// An open file; closed when it is let go.
package protocol DiskFile: AnyObject, Sendable {
    /// Reads up to a number of bytes; fewer only at the end of the file.
    func read(_ count: Int, at position: UInt64) throws(LogError) -> [UInt8]

    /// Writes all the bytes, or throws with any part of them written.
    func write(_ bytes: [UInt8], at position: UInt64) throws(LogError)

    /// Makes what was written durable, with the size that it takes to read it back.
    func synchronise() throws(LogError)

    /// Cuts or extends the file.
    func resize(to count: UInt64) throws(LogError)

    /// The file's size in bytes.
    func size() throws(LogError) -> UInt64

    /// Whether the path that it was opened by names it still.
    func isAtItsPath() throws(LogError) -> Bool
}
