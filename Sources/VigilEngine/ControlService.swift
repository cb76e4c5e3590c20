// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilCodec
package import VigilCore
internal import VigilLog
package import VigilTransport

/// Takes orders from the same machine and user, on a thread of its own: reading and compiling a
/// pack delays nobody who sends.
package final class ControlService: Sendable {
    /// What a start would put in force now.
    package typealias Configuration = @Sendable () throws -> ([PackChange], FoldSettings)

    private let wake: WakeDescriptor
    private let isStopping = Mutex(false)
    private let thread = Mutex<OwnThread?>(nil)

    /// Binds the socket in a data directory and starts taking orders.
    ///
    /// - Parameters:
    ///   - context: what the socket is made in.
    ///   - directory: the data directory.
    ///   - orders: where they are given.
    ///   - reload: the signal that has the configuration read again.
    ///   - settings: those in force.
    ///   - configuration: reads it.
    ///   - tell: tells the operator what became of a reload.
    /// - Throws: `TransportError` where the socket cannot be bound, `LogError` where no thread is
    ///   to be had.
    package init(
        context: ZMQContext, directory: String, orders: Orders, reload: ReloadDescriptor,
        settings: FoldSettings, configuration: @escaping Configuration,
        tell: @escaping @Sendable (String) -> Void
    ) throws {
        let wake = try WakeDescriptor()
        self.wake = wake
        let endpoint = try ControlEndpoint(directory: directory)
        let socket = try ZMQSocket(.router, in: context)
        try socket.set(.maximumFrameBytes(64 << 20))
        try socket.set(.routerMandatory(true))
        try socket.set(.linger(milliseconds: 1000))
        try endpoint.bind(socket)
        // All of this goes over to the thread, which alone uses it from here on.
        nonisolated(unsafe) let desk = ControlDesk(
            endpoint: endpoint, socket: socket, orders: orders, settings: settings,
            configuration: configuration, tell: tell)
        let started = try OwnThread(name: "vigil-control") { [self] in
            do {
                try desk.run(wake: wake, reload: reload) { isStopping.withLock { $0 } }
            } catch {
                tell("no more orders are taken: the control socket has failed: \(error)")
            }
        }
        thread.withLock { $0 = started }
    }

    /// Stops taking orders, removes the socket's file and waits until the thread has ended.
    package func stop() {
        isStopping.withLock { $0 = true }
        wake.wake()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}

/// What the control's thread does.
private final class ControlDesk {
    private let endpoint: ControlEndpoint
    private let socket: ZMQSocket
    private let orders: Orders
    private var settings: FoldSettings
    private let configuration: ControlService.Configuration
    private let tell: @Sendable (String) -> Void
    private let buffer = MessageBuffer(frameLimit: 4)

    init(
        endpoint: ControlEndpoint, socket: ZMQSocket, orders: Orders, settings: FoldSettings,
        configuration: @escaping ControlService.Configuration,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.endpoint = endpoint
        self.socket = socket
        self.orders = orders
        self.settings = settings
        self.configuration = configuration
        self.tell = tell
    }

    func run(
        wake: WakeDescriptor, reload: ReloadDescriptor, until isStopping: () -> Bool
    ) throws {
        let poller = Poller()
        _ = poller.add(socket)
        _ = poller.add(fileDescriptor: wake.fileDescriptor)
        _ = poller.add(fileDescriptor: reload.fileDescriptor)
        while !isStopping() {
            _ = try poller.wait(timeoutMilliseconds: nil)
            if !isStopping(), reload.take() { configure() }
            while !isStopping(), try socket.receive(into: buffer) { try answer() }
        }
        endpoint.remove()
    }

    /// Puts in force what the configuration says now.
    private func configure() {
        do {
            let (changes, settings) = try configuration()
            switch orders.give(.configure(changes, settings)) {
            case .done(nil):
                tell("SIGHUP: packs and settings are in force as configured; nothing changed")
            case .done(let offset?):
                self.settings = settings
                tell("SIGHUP: packs and settings are in force as configured, by offset \(offset)")
            case .refused(let why):
                tell("SIGHUP: refused, what was in force stays: \(why)")
            case .rules: break
            }
        } catch {
            tell("SIGHUP: refused, what was in force stays: \(error)")
        }
    }

    private func answer() throws {
        let envelope = buffer.envelope
        var json = JSONWriter()
        json.object { json in
            do {
                guard let question = buffer.question else {
                    throw ControlRefusal("invalid-request", "a request is one frame of JSON")
                }
                let order = try ControlRequest.read(question, settings: settings)
                switch orders.give(order) {
                case .done(let offset):
                    if let offset {
                        json.number("offset", offset)
                    } else {
                        json.raw("offset", Array("null".utf8))
                    }
                case .refused(let why): throw ControlRefusal("refused", why)
                case .rules(let rules): ControlRequest.encode(rules, to: &json)
                }
            } catch {
                let refusal =
                    error as? ControlRefusal ?? ControlRefusal("refused", String(describing: error))
                json.object("error") { json in
                    json.string("code", refusal.code)
                    json.string("message", refusal.message)
                }
            }
        }
        // A client that is gone asks again.
        _ = try socket.send(envelope + [json.bytes])
    }
}
