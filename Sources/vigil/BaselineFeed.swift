// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import VigilClient
internal import VigilCore
internal import VigilDaemon

/// A feed between the messages that bracket a bulk load.
final class BaselineFeed: EventFeed {
    private let feed: any EventFeed
    private var brackets: BaselineBrackets
    /// An event whose source's load has just begun.
    private var held: OutgoingEvent?

    init(_ feed: any EventFeed) {
        self.feed = feed
        let now = Daemon.now()
        brackets = BaselineBrackets(
            run: "\(now.milliseconds)-\(ProcessInfo.processInfo.processIdentifier)", time: now)
    }

    var total: Int? { feed.total }

    func next() throws(CommandFailure) -> FeedItem? {
        if let event = held {
            held = nil
            return .event(event)
        }
        switch try feed.next() {
        case .event(let event):
            // What moves a clock is of no history.
            guard !event.topic.hasPrefix("system."),
                let begin = brackets.begin(source: event.source)
            else { return .event(event) }
            held = event
            return .event(begin)
        case nil: return brackets.end().map { .event($0) }
        case let other: return other
        }
    }
}
