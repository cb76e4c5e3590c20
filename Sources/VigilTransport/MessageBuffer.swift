// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// Room for one received message, used again for the next: its frames stay where libzmq put
/// them, so receiving copies and allocates nothing of ours.
package final class MessageBuffer {
    private var frames: UnsafeMutablePointer<zmq_msg_t>
    private var capacity: Int
    private let frameLimit: Int
    /// Frames held: at most the limit.
    package private(set) var count = 0
    /// Frames that the message has, also those beyond the limit, which are not held.
    package private(set) var receivedCount = 0

    /// Makes an empty buffer.
    ///
    /// - Parameter frameLimit: The most frames that a message of the protocol at hand has; what a
    ///   peer sends beyond it is received and thrown away.
    package init(frameLimit: Int) {
        self.frameLimit = max(frameLimit, 1)
        self.capacity = 4
        self.frames = .allocate(capacity: 4)
        // One frame beyond those held is always initialised: the one to be received into.
        zmq_msg_init(frames)
    }

    deinit {
        removeAll()
        zmq_msg_close(frames)
        frames.deallocate()
    }

    /// Whether the message had more frames than the buffer was made for.
    package var isTruncated: Bool {
        receivedCount > count
    }

    /// The bytes of a frame, valid until the next receive into this buffer.
    package subscript(_ index: Int) -> UnsafeRawBufferPointer {
        precondition(index < count && index >= 0, "a frame beyond those received")
        let frame = frames + index
        return UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame))
    }

    /// A copy of the bytes of a frame.
    package func bytes(_ index: Int) -> [UInt8] {
        Array(self[index])
    }

    /// The User-Id that the ZAP handler gave the connection which the message came in on; nil
    /// where there is no handler.
    ///
    /// Read from the last frame: libzmq 4.3.4 leaves it off the first frame of a ROUTER's message.
    package var userID: String? {
        guard count > 0, let text = zmq_msg_gets(frames + (count - 1), "User-Id") else {
            return nil
        }
        return String(cString: text)
    }

    /// The descriptor of the connection that the message came on; nil for what no peer has sent.
    ///
    /// As libzmq had it then: the connection may have ended since.
    package var descriptor: Int32? {
        guard count > 0 else { return nil }
        let number = zmq_msg_get(frames + (count - 1), ZMQ_SRCFD)
        return number >= 0 ? number : nil
    }

    /// Gives the frames back to libzmq.
    package func removeAll() {
        for index in 0...count {
            zmq_msg_close(frames + index)
        }
        zmq_msg_init(frames)
        count = 0
        receivedCount = 0
    }

    /// The frame to receive into.
    func nextFrame() -> UnsafeMutablePointer<zmq_msg_t> {
        frames + count
    }

    /// Counts the frame just received as part of the message.
    func keepFrame() {
        receivedCount += 1
        guard count < frameLimit else { return }
        count += 1
        if count == capacity { grow() }
        zmq_msg_init(frames + count)
    }

    private func grow() {
        let larger = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: capacity * 2)
        // libzmq itself moves messages as plain memory between its queues.
        larger.moveInitialize(from: frames, count: count)
        frames.deallocate()
        frames = larger
        capacity *= 2
    }
}
