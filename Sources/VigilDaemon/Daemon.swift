// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import VigilCodec
package import VigilCore
internal import VigilEngine
internal import VigilLog
internal import VigilPacks
internal import VigilTransport
internal import VigilWeb

/// A running daemon: the parts put together, from start to a clean stop.
package struct Daemon {
    /// Where it listens when nothing else is said (protocol section 1).
    package enum Defaults {
        package static let events = "tcp://127.0.0.1:5550"
        package static let ingest = "tcp://127.0.0.1:5551"
        package static let alerts = "tcp://127.0.0.1:5552"
        package static let history = "tcp://127.0.0.1:5553"
        package static let http = "127.0.0.1:5580"
        package static let name = "local"
        package static let zone = "Europe/London"
        package static let pack = "pincer"
    }

    /// Warnings of one pack that are told by themselves.
    private static let warningsMax = 20

    private let settings: Settings
    /// Reads the settings again.
    private let again: @Sendable () throws -> Settings
    private let identity: LogIdentity
    private let endpoints: Endpoints
    /// nil where no pages are wanted.
    private let web: WebAddress?
    private let started = (at: Daemon.now(), clock: ContinuousClock.now)

    /// Checks the settings before anything is touched.
    ///
    /// - Parameters:
    ///   - settings: what it is started with.
    ///   - again: reads the settings again while it runs.
    /// - Throws: `DaemonError`, `TransportError` or `WebError`, naming the setting.
    package init(
        _ settings: Settings, again: @escaping @Sendable () throws -> Settings
    ) throws {
        self.settings = settings
        self.again = again
        let zoneName = settings.zone ?? Defaults.zone
        guard let zone = ZoneTable.ofThisMachine(named: zoneName) else {
            throw DaemonError(.configuration, "this machine knows no time zone \(zoneName)")
        }
        let name = settings.name ?? Defaults.name
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
        guard !name.isEmpty, name.utf8.count <= 64, name.allSatisfy(allowed.contains) else {
            throw DaemonError(
                .configuration, "the name \"\(name)\" is not 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        identity = LogIdentity(
            origin: "vigil/\(name)", clockMode: settings.clock ?? .wall, zone: zone)
        endpoints = try Daemon.endpoints(of: settings)
        let http = settings.http ?? Defaults.http
        web = http == "none" ? nil : try WebAddress(http)
    }

    private static func endpoints(of settings: Settings) throws(TransportError) -> Endpoints {
        var binds: [Endpoint] = []
        var connects: [Endpoint] = []
        for text in settings.events ?? [Defaults.events] {
            // As in czmq: > connects, @ or nothing binds.
            if text.hasPrefix(">") {
                connects.append(try Endpoint(String(text.dropFirst())))
            } else {
                binds.append(try Endpoint(text.hasPrefix("@") ? String(text.dropFirst()) : text))
            }
        }
        let endpoints = Endpoints(
            eventsBind: binds, eventsConnect: connects,
            ingest: try Endpoint(settings.ingest ?? Defaults.ingest),
            alerts: try Endpoint(settings.alerts ?? Defaults.alerts),
            history: try Endpoint(settings.history ?? Defaults.history))
        guard settings.curve == nil else { return endpoints }
        for endpoint in binds + [endpoints.ingest, endpoints.alerts, endpoints.history] {
            try endpoint.requireLoopback()
        }
        return endpoints
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameter announce: gets the line `ready`, once everything is accepted.
    /// - Throws: what keeps it from starting or from going on, to be told in one sentence.
    package func run(announce: (String) -> Void) throws {
        let data = try settings.data()
        // Whoever reads standard error may go away: that is no reason to end.
        signal(SIGPIPE, SIG_IGN)
        Daemon.raiseDescriptorLimit()
        // Signals are blocked before any thread is started, so that all inherit it.
        let stop = try StopDescriptor()
        let keys = try settings.curve.map { try CurveKeyFile(path: $0.keyFile).loadPair() }
        let access = AccessControl(
            keys: keys, principals: settings.curve?.principals ?? [:], tell: Daemon.tell)
        let reload = try ReloadDescriptor()
        let (packs, _) = try Daemon.configuration(of: settings)
        for warning in try Daemon.warnings(of: packs, settings) { Daemon.tell(warning) }
        // The pages come first: a log can take long to read, and somebody may ask meanwhile.
        let board = StatusBoard()
        let server = try serveWeb(board)
        defer { server?.stop() }
        guard let log = try openLog(data, with: packs, until: stop) else { return }
        let signer = try CheckpointSigner(
            directory: data, origin: identity.origin, head: log.treeHead,
            tell: Daemon.tell)
        let context = try ZMQContext()
        let openFlags = OpenFlags()
        let service = try AccessService(
            context: context, access: access,
            connectionsMax: settings.curve?.connectionsMax ?? 0, onFailure: Daemon.endWithoutAccess)
        defer { service?.stop() }
        let engine = try Engine(
            log: log, context: context, endpoints: endpoints, openFlags: openFlags,
            clock: Daemon.now, board: board, access: access, service: service,
            queueBytesMax: settings.queueBytesMax ?? Engine.queueBytesDefault)
        let history = try HistoryService(
            context: context, endpoint: endpoints.history, directory: data,
            openFlags: openFlags, access: access, service: service
        ) { error in
            Daemon.tell("the history socket has failed: \(error)")
            exit(DaemonError.Kind.log.rawValue)
        }
        if try !engine.start() {
            Daemon.tell(
                "no space left in \(data): what is there is served, and whoever sends is "
                    + "told to send again, until there is space")
        }
        try service?.start()
        let again = again
        let control = try ControlService(
            context: context, directory: data, orders: engine.orders, reload: reload,
            settings: settings.recorded,
            configuration: { [settings] in
                try Daemon.changes(of: try again(), before: settings, access)
            },
            tell: Daemon.tell)
        defer {
            control.stop()
            history.stop()
        }
        do {
            try engine.run(until: stop) {
                board.enter(.serving)
                let http = server?.boundAddress.description
                announce(try ready(engine: engine, history: history, http: http))
            }
        } catch {
            board.enter(.failed)
            throw error
        }
        signer.stop()
    }

    /// Takes as many descriptors as the system lets it have: with all of them in use by
    /// connections the log could open no segment.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The log, folded; nil where it is to stop before that is done.
    private func openLog(
        _ data: String, with packs: [PackSource], until stop: StopDescriptor
    ) throws -> OpenedLog? {
        let log: OpenedLog
        do {
            log = try fold(data, packs) {
                var item = pollfd(fd: stop.fileDescriptor, events: Int16(POLLIN), revents: 0)
                return poll(&item, 1, 0) > 0
            }
        } catch is CancellationError {
            return nil
        }
        if let torn = log.recovery.tornTail {
            Daemon.tell(
                "the last commit was not finished: \(torn.byteCount) bytes, never acknowledged, "
                    + "were set aside in \(torn.path)")
        }
        return log
    }

    private func fold(
        _ data: String, _ packs: [PackSource], until isStopping: @escaping () -> Bool
    ) throws -> OpenedLog {
        try OpenedLog.open(
            directory: data, identity: identity, packs: packs, settings: settings.recorded,
            eventBytesMax: settings.eventBytesMax ?? Intake.eventBytesDefault,
            options: settings.segmentBytesMax.map { LogOptions(segmentLengthMax: UInt64($0)) }
                ?? LogOptions(),
            snapshotRecords: settings.snapshotRecords.map { UInt64($0) }
                ?? SnapshotKeeper.recordsDefault,
            isStopping: isStopping, tell: Daemon.tell)
    }

    private func serveWeb(_ board: StatusBoard) throws(WebError) -> WebServer? {
        guard let web else { return nil }
        let started = started
        return try WebServer(address: web) {
            let (health, status) = board.current
            let now = ContinuousClock.now
            return DaemonReport(
                started: started.at, uptime: started.clock.duration(to: now),
                process: ProcessUsage.now(), health: health, status: status, now: now)
        } onFailure: { sentence in
            Daemon.tell(sentence)
        }
    }

    private func ready(engine: Engine, history: HistoryService, http: String?) throws -> String {
        let bound = try engine.boundEndpoints
        var json = JSONWriter()
        json.object { json in
            json.object("ready") { json in
                json.array("events") { json in
                    for endpoint in bound.events { json.string(endpoint) }
                    for endpoint in endpoints.eventsConnect { json.string(">\(endpoint)") }
                }
                json.string("ingest", bound.ingest)
                json.string("alerts", bound.alerts)
                json.string("history", history.boundEndpoint)
                if let http { json.string("http", http) }
            }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// The packs that settings name, and what of them the log records.
    private static func configuration(
        of settings: Settings
    ) throws -> ([PackSource], FoldSettings) {
        let packs = try PackLoader.load(
            settings.packs ?? [Defaults.pack], codelists: settings.codelists,
            map: settings.map)
        try checkParameters(of: settings.recorded, for: packs)
        return (packs, settings.recorded)
    }

    /// What settings that were read again put in force.
    ///
    /// Their grants come last: settings of which anything cannot be taken leave them as they are.
    private static func changes(
        of settings: Settings, before: Settings, _ access: AccessControl
    ) throws -> ([PackChange], FoldSettings) {
        let (packs, recorded) = try configuration(of: settings)
        let changes = try packs.map { try PackChange(activating: $0, settings: recorded) }
        try takeGrants(of: settings, before: before, access)
        return (changes, recorded)
    }

    /// Refuses parameters of a pack that is not to be in force: they would do nothing.
    private static func checkParameters(
        of settings: FoldSettings, for packs: [PackSource]
    ) throws(DaemonError) {
        let known = packs.map(\.id)
        for parameter in settings.parameters where !known.contains(parameter.pack) {
            let meant = suggestion(for: parameter.pack, among: known)
            throw DaemonError(
                .configuration,
                "parameters: there is no pack \(parameter.pack) among those to be in force; "
                    + (meant.map { "did you mean \($0)?" }
                        ?? "they are \(known.joined(separator: ", "))"))
        }
    }

    /// Reads all that the settings name, and starts nothing.
    ///
    /// - Returns: what the packs' authors and the lists' owners should know.
    /// - Throws: what would keep a daemon with these settings from starting.
    package func check() throws -> [String] {
        if let curve = settings.curve { _ = try CurveKeyFile(path: curve.keyFile).loadPair() }
        let (packs, _) = try Daemon.configuration(of: settings)
        return try Daemon.warnings(of: packs, settings)
    }

    /// What the packs' authors and the lists' owners should know.
    private static func warnings(
        of packs: [PackSource], _ settings: Settings
    ) throws -> [String] {
        CompiledPacks.prepare(packs, settings: settings.recorded)
        let ofPacks = try packs.flatMap { try warnings(of: $0, settings.recorded) }
        let ofLists = try settings.codelists.map {
            try PackLoader.warnings(ofLists: $0, for: packs)
        }
        let ofNone =
            packs.isEmpty
            ? ["packs is an empty list: no rule is in force, and nothing is raised"] : []
        return ofNone + ofPacks + (ofLists ?? [])
    }

    private static func warnings(
        of source: PackSource, _ settings: FoldSettings
    ) throws(PackError) -> [String] {
        let (pack, warnings) = try CompiledPacks.check(
            source, parameters: settings.parameters(of: source.id))
        var told = pack.switchedOff.map { "\(pack.id): \($0.why)" }
        let others = warnings.filter { warning in
            !pack.switchedOff.contains { $0.why == warning.what }
        }
        // A list with a thousand doubled rows must not push everything else off the screen.
        told += others.prefix(warningsMax).map { "\(pack.id): \($0)" }
        if others.count > warningsMax {
            told.append("\(pack.id): and \(others.count - warningsMax) more warnings")
        }
        return told
    }

    /// The machine's clock.
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// A line for the operator, on standard error; never with anything of a patient's.
    @Sendable static func tell(_ sentence: String) {
        let line = Array("vigil: \(sentence)\n".utf8)
        // What standard error does not take can be told nowhere: the daemon goes on.
        _ = write(STDERR_FILENO, line, line.count)
    }
}
