// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Room on the disk that an outbox keeps for what is to be put aside, a file: enough for all of a
/// segment, so that this can be deleted then.
struct OutboxReserve {
    private let directory: String
    private let path: String
    /// How long it is while it is there.
    let byteCount: Int
    private var isThere = false

    init(in directory: String, byteCount: Int) {
        self.directory = directory
        path = directory + "/reserve"
        self.byteCount = byteCount
    }

    /// Takes the room, unless it has it; where there is too little it takes none.
    ///
    /// - Returns: whether it has it.
    mutating func make() throws(OutboxError) -> Bool {
        guard !isThere else { return true }
        do throws(OutboxError) {
            isThere = try OutboxFile(path, isLock: true).allocate(byteCount)
        } catch {
            guard error.kind == .full else { throw error }
        }
        if !isThere { try OutboxFile.remove(path) }
        return isThere
    }

    /// Gives the room back.
    ///
    /// - Returns: false where it had none.
    mutating func release() throws(OutboxError) -> Bool {
        guard isThere else { return false }
        isThere = false
        try OutboxFile.remove(path)
        // Some file systems give the room of a file only once its removal is durable.
        try OutboxFile.syncDirectory(directory)
        return true
    }
}
