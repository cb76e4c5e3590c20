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
        let other = head("HEAD http://localhost:5580/livez HTTP/1.1\nHost: localhost:5580\n\n")
        #expect(other?.path == "/livez")
    }

    @Test(arguments: [
        "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nconnection: keep-alive, close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: none\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func nothingFollowsARequestThatSaysSoOrHasABody(text: String) throws {
        #expect(try #require(head(text)).keepsConnection == false)
    }

    @Test func anEmptyBodyIsNone() {
        let read = head("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(read?.keepsConnection == true)
    }

    @Test(arguments: [
        "", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\n\n",
    ])
    func whatIsNoHeadIsNotRead(text: String) {
        #expect(head(text) == nil)
    }

    @Test(arguments: [
        "Content-Length : 5", " Content-Length: 5", "Content\tLength: 5", "\tfolded: x", ": x", ":",
        "no colon",
    ])
    func aHeaderThatOthersMayReadInAnotherWayMakesItNoHead(line: String) {
        #expect(head("GET / HTTP/1.1\r\nHost: x\r\n\(line)\r\n\r\n") == nil)
        #expect(head("GET / HTTP/1.0\r\n\(line)\r\n\r\n") == nil)
    }

    @Test func aRequestNamesOneHostWhichAnOldOneMayLeaveOut() {
        #expect(head("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n") == nil)
        #expect(head("GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n") == nil)
        #expect(head("GET / HTTP/1.0\r\nHost: localhost\r\nHost: x\r\n\r\n") == nil)
        #expect(head("GET / HTTP/1.0\r\nAccept: */*\r\n\r\n")?.isForLoopback == true)
    }

    @Test(arguments: [
        "localhost", "LocalHost:5580", "127.0.0.1", "127.9.8.7:65535", "[::1]", "[::1]:80",
        "\t127.0.0.1:1 ",
    ])
    func thisMachinesOwnNamesAreServed(host: String) {
        #expect(head("GET / HTTP/1.1\r\nHost:\(host)\r\n\r\n")?.isForLoopback == true)
    }

    /// A page of somebody else's may have its name lead here: its scripts would read ours.
    @Test(arguments: [
        "", "example.org", "example.org:5580", "127.0.0.1.example.org", "localhost.example.org",
        "127.example.org:80", "192.168.1.4:5580", "[::2]", "::1", "localhost x", "localhost:x",
        "localhost:5580:5580",
    ])
    func aNameOfSomebodyElsesIsNotServed(host: String) {
        #expect(head("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")?.isForLoopback == false)
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
