"""Any payload, any damage, any cut: what hypothesis thinks of."""

from hypothesis import given
from hypothesis import strategies as st

from device.firmware.frames import PAYLOAD_MAX, PAYLOAD_MIN, Decoder, decode, encode

payloads = st.binary(min_size=PAYLOAD_MIN, max_size=PAYLOAD_MAX)


@given(st.lists(payloads), st.data())
def test_frames_come_back_in_order_however_the_line_cuts_them(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(encode, sent))
    decoder = Decoder()
    got: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += decoder.feed(stream[:size])
        stream = stream[size:]
    assert got == sent and decoder.refused == 0


@given(payloads, payloads, st.data())
def test_a_damaged_frame_is_refused_and_the_next_one_comes(hurt: bytes, following: bytes, data: st.DataObject) -> None:
    frame = bytearray(encode(hurt))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(1, len(frame) - 2))] ^= data.draw(st.integers(1, 255))
    got = Decoder().feed(bytes(frame) + encode(following))
    assert got[-1] == following
    assert bytes(frame) == encode(hurt) or hurt not in got[:-1]


@given(st.binary(max_size=600))
def test_noise_is_never_an_error(noise: bytes) -> None:
    decoder = Decoder()
    for payload in decoder.feed(noise) + decoder.feed(b"\0"):
        assert PAYLOAD_MIN <= len(payload) <= PAYLOAD_MAX
    decode(noise)
