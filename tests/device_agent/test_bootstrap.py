from __future__ import annotations

import pytest

from services.device_agent.adb.bootstrap import server_address


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "127.0.0.1:5037"),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, "127.0.0.1:5038"),
        ({"ANDROID_ADB_SERVER_ADDRESS": "farm", "ANDROID_ADB_SERVER_PORT": "5038"}, "farm:5038"),
        ({"ADB_SERVER_SOCKET": "tcp:5039"}, "127.0.0.1:5039"),
        ({"ADB_SERVER_SOCKET": "tcp:farm.local:5040", "ANDROID_ADB_SERVER_PORT": "1"}, "farm.local:5040"),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5040"}, "::1:5040"),
    ],
)
def test_server_is_looked_for_where_adb_itself_looks(environ, address):
    assert str(server_address(environ)) == address


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ADB_SERVER_SOCKET": "localfilesystem:/tmp/adb"}, "write tcp:HOST:PORT"),
        ({"ADB_SERVER_SOCKET": "tcp:farm:"}, "write a number"),
        ({"ANDROID_ADB_SERVER_PORT": "99999"}, "write a number"),
        ({"ANDROID_ADB_SERVER_PORT": "x"}, "write a number"),
    ],
)
def test_address_that_cannot_be_read_says_what_to_write(environ, words):
    with pytest.raises(ValueError, match=words):
        server_address(environ)
