// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilTransport

@Suite struct EndpointTests {
    /// Endpoint, whether only this machine reaches it; `-` where it is refused as a text.
    private static let table = """
        tcp://127.0.0.1:5550            yes
        tcp://127.8.9.10:5550           yes
        tcp://localhost:5550            yes
        tcp://[::1]:5550                yes
        tcp://127.0.0.1:*               yes
        ipc:///run/vigil/ingest         yes
        ipc://@vigil                    yes
        tcp://*:5550                    no
        tcp://0.0.0.0:5550              no
        tcp://[::]:5550                 no
        tcp://[::ffff:127.0.0.1]:5550   no
        tcp://192.168.1.7:5550          no
        tcp://127.1:5550                no
        tcp://127.0.0.1.example:5550    no
        tcp://127.0.0.01:5550           no
        tcp://127.0.0.256:5550          no
        tcp://eth0:5550                 no
        tcp://localhost.example:5550    no
        tcp://127.0.0.1                 -
        tcp://127.0.0.1:                -
        tcp://127.0.0.1:65536           -
        tcp://127.0.0.1:+80             -
        tcp://:5550                     -
        tcp://::1:5550                  -
        tcp://eth0;10.0.0.1:5550        -
        tcp://127.0.0.1:5550/x          -
        ipc://                          -
        udp://127.0.0.1:5550            -
        127.0.0.1:5550                  -
        """

    @Test(arguments: table.split(separator: "\n").map(String.init))
    func onlyLoopbackIsLoopback(row: String) throws {
        let cells = row.split(separator: " ").map(String.init)
        let endpoint = try? Endpoint(cells[0])
        #expect(endpoint.map { $0.isLoopback ? "yes" : "no" } ?? "-" == cells[1])
        if let endpoint { #expect(endpoint.description == cells[0]) }
    }

    @Test func aPathThatNoSocketAddressHoldsIsRefused() {
        #expect(throws: TransportError.self) {
            try Endpoint("ipc:///" + String(repeating: "a", count: 107))
        }
    }

    @Test func aBindBeyondLoopbackIsRefusedWithTheRemedy() throws {
        let endpoint = try Endpoint("tcp://*:5550")
        let error = #expect(throws: TransportError.self) { try endpoint.requireLoopback() }
        let text = error?.description ?? ""
        #expect(text.contains("tcp://*:5550") && text.contains("CURVE keys"))
    }
}
