// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilWeb

/// What is read of a request.
@Suite struct RequestHeadTests {
    private func head(_ text: String) -> RequestHead? {
        RequestHead(Array(text.utf8)[...])
    }

    @Test func aRequestHasAMethodAndAPathWithoutAQuery() throws {
        let read = try #require(head("GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n"))
        #expect(read.method == "GET")
        #expect(read.path == "/readyz")
        #expect(read.keepsConnection)
        #expect(head("HEAD http://localhost:5580/livez HTTP/1.1\n\n")?.path == "/livez")
    }

    @Test(arguments: [
        "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n",
        "GET / HTTP/1.1\r\nconnection: keep-alive, close\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: none\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func nothingFollowsARequestThatSaysSoOrHasABody(text: String) throws {
        #expect(try #require(head(text)).keepsConnection == false)
    }

    @Test func anEmptyBodyIsNone() {
        #expect(head("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")?.keepsConnection == true)
    }

    @Test(arguments: [
        "", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "\u{16}\u{3}\n\n",
    ])
    func whatIsNoHeadIsNotRead(text: String) {
        #expect(head(text) == nil)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n"])
    func theEndIsFoundHoweverTheBytesCome(text: String) {
        let bytes = Array(text.utf8)
        #expect(RequestHead.end(in: bytes + Array("GET /next".utf8), from: 0) == bytes.count)
        for count in 0..<bytes.count {
            #expect(RequestHead.end(in: Array(bytes[..<count]), from: 0) == nil)
            #expect(RequestHead.end(in: bytes, from: count) == bytes.count)
        }
    }
}
