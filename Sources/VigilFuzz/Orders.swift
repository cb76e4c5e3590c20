// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilPacks

@testable internal import VigilDaemon
@testable internal import VigilEngine

extension FuzzTarget {
    /// A request on the control socket.
    static let order = FuzzTarget(
        "order",
        [
            #"{"suspend": {"rule": "nsaid-ulcer", "practice": null, "reason": "why"}}"#,
            #"{"resume": {"rule": "nsaid-ulcer", "practice": "A81001", "reason": "\u00e4"}}"#,
            #"{"rules": {}}"#,
            #"{"activate": {"pack": "a", "version": "1", "hash": "0", "replacedLists": [], "#
                + #""files": [{"name": "pack.yaml", "text": "id: a"}]}}"#,
        ], takeOrder)

    /// The file of settings.
    static let settings = FuzzTarget(
        "settings",
        [
            "name: a\nzone: Europe/London\neventBytesMax: 65536\nevents:\n  - tcp://127.0.0.1:*\n",
            "sources:\n  - {source: 'urn:a', subjects: mapped, zone: UTC, rhythm: 90 min}\n",
            "budgets: [{severity: low, raisesPerDay: 3}]\nunreviewed: 2 d\n",
            "coverage: [{practice: A1, kind: prescription, from: 2015-04-01}]\n"
                + "parameters: {pincer: {Days: 7}}\n",
            "curve:\n  keyFile: k\n  principals:\n    - name: a\n"
                + "      key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'\n"
                + "      publish: {sources: ['*'], topics: ['*.A1']}\n"
                + "      read: {topics: ['*'], inbound: ['*']}\n",
        ], takeSettings)
}

/// An order is what a client would write for it; a refusal says why.
private func takeOrder(_ input: [UInt8]) {
    do {
        switch try ControlRequest.read(input, settings: FoldSettings()) {
        case .rules, .activate: break
        case .configure: preconditionFailure("no client orders that")
        case .suspend(let order):
            precondition(!order.suspension.reason.isEmpty)
            var json = JSONWriter()
            json.object { json in
                json.object(order.isResumption ? "resume" : "suspend") { order.encode(to: &$0) }
            }
            guard
                case .suspend(let again)? = try? ControlRequest.read(
                    json.bytes, settings: FoldSettings()), again == order
            else { preconditionFailure("an order reads as it is written") }
        }
    } catch let refusal as ControlRefusal {
        precondition(!refusal.code.isEmpty && !refusal.message.isEmpty)
    } catch let error as PackError {
        precondition(!error.what.isEmpty && !error.remedy.isEmpty)
    } catch {
        preconditionFailure("nothing else is thrown")
    }
}

/// Settings are the same when they are written as they are in effect, and a fault names the file.
private func takeSettings(_ input: [UInt8]) {
    do throws(DaemonError) {
        var settings = Settings()
        try settings.fill(fromYAML: input.text, file: "x.yaml")
        let rows = settings.effective.filter { !$0.name.hasPrefix("curve") }
        let written = rows.filter { $0.text != "-" }.map { "\($0.name): \($0.value.text)\n" }
        var again = Settings()
        do throws(DaemonError) {
            try again.fill(fromYAML: written.joined(), file: "y.yaml")
        } catch {
            preconditionFailure(error.description)
        }
        let rowsAgain = again.effective.filter { !$0.name.hasPrefix("curve") }
        precondition(rowsAgain.map(\.value) == rows.map(\.value))
    } catch {
        precondition(error.kind == .configuration && error.description.hasPrefix("x.yaml"))
    }
}
