from __future__ import annotations

import pytest

from services.device_agent.adb.bootstrap import ServerAddress, server_address, servers


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "127.0.0.1:5037"),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, "127.0.0.1:5038"),
        ({"ANDROID_ADB_SERVER_ADDRESS": "farm", "ANDROID_ADB_SERVER_PORT": "5038"}, "farm:5038"),
        ({"ADB_SERVER_SOCKET": "tcp:5039"}, "127.0.0.1:5039"),
        ({"ADB_SERVER_SOCKET": "tcp:farm.local:5040", "ANDROID_ADB_SERVER_PORT": "1"}, "farm.local:5040"),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5040"}, "::1:5040"),
        ({"ADB_SERVER_SOCKET": "localfilesystem:/run/adb.sock"}, "localfilesystem:/run/adb.sock"),
        ({"ADB_SERVER_SOCKET": "localabstract:adb"}, "localabstract:adb"),
    ],
)
def test_server_is_looked_for_where_adb_itself_looks(environ, address):
    assert str(server_address(environ)) == address


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ADB_SERVER_SOCKET": "vsock:3:5037"}, "write tcp:HOST:PORT"),
        ({"ADB_SERVER_SOCKET": "localfilesystem:relative"}, "localfilesystem:/PATH"),
        ({"ADB_SERVER_SOCKET": "localabstract:"}, "localabstract:NAME"),
        ({"ADB_SERVER_SOCKET": "tcp:farm:"}, "write a number"),
        ({"ANDROID_ADB_SERVER_PORT": "99999"}, "write a number"),
        ({"ANDROID_ADB_SERVER_PORT": "x"}, "write a number"),
    ],
)
def test_address_that_cannot_be_read_says_what_to_write(environ, words):
    with pytest.raises(ValueError, match=words):
        server_address(environ)


def places(**environ: str) -> list[str]:
    return [server.place for server in servers(environ, hostname="lab1")]


def test_one_server_is_the_one_that_adb_finds():
    (server,) = servers({"ADB_SERVER_SOCKET": "tcp:5040", "WAYMARK_ADB_CONNECT": "10.0.0.5, phone.lan:6000"}, "lab1")

    assert (server.name, str(server.address)) == ("", "127.0.0.1:5040")
    assert server.connect == ("10.0.0.5:5555", "phone.lan:6000")


def test_place_of_a_server_of_this_machine_has_its_name_and_a_remote_one_is_the_same_everywhere():
    assert places() == ["lab1/127.0.0.1:5037"]
    assert places(WAYMARK_ADB_SERVERS="tcp:farm:5037,localfilesystem:/run/adb") == [
        "farm:5037",
        "lab1/localfilesystem:/run/adb",
    ]
    assert places(WAYMARK_ADB_SERVERS="rack2=tcp:host.docker.internal:5037") == ["rack2"]


def test_several_servers_have_names_and_phones_of_their_own():
    found = servers(
        {
            "WAYMARK_ADB_SERVERS": "tcp:host1:5037,rack2=tcp:host2:5037,tcp:host3:5038",
            "WAYMARK_ADB_CONNECT": "10.0.0.5:5555,rack2=10.0.0.6:5555,rack2=[fe80::1]:5555",
            "ADB_SERVER_SOCKET": "tcp:ignored:1",
        }
    )

    assert [server.name for server in found] == ["", "rack2", "host3:5038"]
    assert found[0].address == ServerAddress("host1", 5037)
    assert [server.connect for server in found] == [("10.0.0.5:5555",), ("10.0.0.6:5555", "[fe80::1]:5555"), ()]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"WAYMARK_ADB_SERVERS": "host1:5037"}, "WAYMARK_ADB_SERVERS='host1:5037' is not understood: write tcp:HOST"),
        ({"WAYMARK_ADB_SERVERS": "tcp:a:5037,tcp:a:5037"}, "address 'a:5037' twice"),
        ({"WAYMARK_ADB_SERVERS": "x=tcp:a:5037,x=tcp:b:5037"}, "name 'x' twice"),
        ({"WAYMARK_ADB_SERVERS": "a b=tcp:a:5037"}, "no good name"),
        ({"WAYMARK_ADB_CONNECT": "rack9=10.0.0.5:5555"}, "names the adb server 'rack9', and there is none"),
        ({"WAYMARK_ADB_CONNECT": "10.0.0.5:99999"}, "write a number"),
        ({"WAYMARK_ADB_CONNECT": "a b:5555"}, "write HOST:PORT"),
    ],
)
def test_servers_and_phones_that_cannot_be_read_say_what_to_write(environ, words):
    with pytest.raises(ValueError, match=words):
        servers(environ)
