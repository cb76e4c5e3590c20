// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore
internal import VigilEngine
internal import VigilLog

/// One patient's records, by the chain that they form in the log.
package struct LogTimeline {
    private let reader: LogReader

    /// A timeline of the log in a data directory.
    ///
    /// - Throws: `OpeningError` where there is no log, `LogError` where it cannot be read.
    package init(directory: String) throws {
        reader = try LogReader(directory: directory)
        guard reader.durableHead != nil else {
            throw OpeningError.noLog(directory: directory)
        }
    }

    /// Hands out the records of a subject in order.
    ///
    /// - Parameters:
    ///   - subject: the patient's identifier.
    ///   - visit: returns false where nobody reads any more.
    /// - Returns: whether there was one.
    /// - Throws: `LogError` where the log is damaged.
    package func run(subject: String, visit: (Record) throws -> Bool) throws -> Bool {
        let offsets = try reader.offsets(ofSubject: subject)
        for offset in offsets {
            guard let record = try reader.record(at: offset), try visit(record) else { break }
        }
        return !offsets.isEmpty
    }
}
