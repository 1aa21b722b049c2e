"""Reads a trace for Perfetto with Perfetto's own definitions, as strictly as can be: strict.py FILE.

A field that the definitions don't know fails, as does a track or a name that is used before it is described.
"""

import json
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

trace = Trace()
with open(sys.argv[1], "rb") as file:
    data = file.read()
assert trace.ParseFromString(data) == len(data)


def known(message):
    assert len(UnknownFieldSet(message)) == 0, message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                known(part)


known(trace)
tracks, kinds, stacks, said = {}, {}, {}, {}
names = {"event_categories": {}, "event_names": {}, "debug_annotation_names": {}, "debug_annotation_string_values": {}}
for packet in trace.packet:
    assert packet.trusted_packet_sequence_id == 1
    for kind, known_names in names.items():
        for name in getattr(packet.interned_data, kind):
            assert name.iid not in known_names, name
            known_names[name.iid] = name
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        assert track.uuid and track.uuid not in tracks, track
        assert not track.parent_uuid or track.parent_uuid in tracks, track
        tracks[track.uuid] = track
    if packet.HasField("track_event"):
        event = packet.track_event
        assert event.track_uuid in tracks, event
        kind = TrackEvent.Type.Name(event.type)
        kinds[kind] = kinds.get(kind, 0) + 1
        for iid in event.category_iids:
            assert iid in names["event_categories"], event
        assert not event.name_iid or event.name_iid in names["event_names"], event
        for annotation in event.debug_annotations:
            assert annotation.name_iid in names["debug_annotation_names"], event
            if annotation.HasField("string_value_iid"):
                assert annotation.string_value_iid in names["debug_annotation_string_values"], event
        if [names["event_categories"][iid].name for iid in event.category_iids] == ["trace"]:
            for annotation in event.debug_annotations:
                text = names["debug_annotation_string_values"].get(annotation.string_value_iid)
                value = getattr(annotation, annotation.WhichOneof("value"))
                said[names["debug_annotation_names"][annotation.name_iid].name] = text.str.decode() if text else value
        # On each track, begin and end are in order and match.
        if kind in ("TYPE_SLICE_BEGIN", "TYPE_SLICE_END"):
            stack = stacks.setdefault(event.track_uuid, [0, 0])
            stack[0] += 1 if kind == "TYPE_SLICE_BEGIN" else -1
            assert stack[0] >= 0 and packet.timestamp >= stack[1], packet
            stack[1] = packet.timestamp
assert all(open == 0 for open, _ in stacks.values())
print(json.dumps({"kinds": kinds, "tracks": len(tracks), "trace": said}))
