// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

extension [UInt8] {
    /// Hands out the entries of records that lie one after the other, without looking into them.
    ///
    /// For bytes of `encodeLogRecord`: it ends at the first record that does not fit. A commit on
    /// its way to the disk is hashed so; a `LogRecordView` would check each text once more.
    package func forEachLogEntry(from start: Int, _ body: (Span<UInt8>) -> Void) {
        typealias Layout = LogRecordLayout
        let bytes = span
        var position = start
        while bytes.count - position > Layout.frameLength {
            let entryLength = Int(bytes[position]) | Int(bytes[position + 1]) << 8
            var payloadLength = 0
            for index in 0..<4 {
                payloadLength |= Int(bytes[position + 4 + index]) << (8 * index)
            }
            let entryStart = position + Layout.frameLength
            let end = entryStart + entryLength + Layout.saltLength + payloadLength
            guard end <= bytes.count else { return }
            body(bytes.extracting(entryStart..<entryStart + entryLength))
            position = end
        }
    }
}
