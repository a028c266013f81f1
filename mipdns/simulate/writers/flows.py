"""Flow logs without requests: AWS VPC flow logs and nfdump's CSV. In: one day of an observer's flows. Out: files."""

from __future__ import annotations

import time
from pathlib import Path

from mipdns.simulate.plan import OUR_SERVER_V4, OUR_SERVER_V6
from mipdns.simulate.writers.files import Written, write_lines
from mipdns.simulate.writers.rows import Flows, Wear

VPC_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_VPC_HEAD = "2 123456789010 eni-0a1b2c3d4e5f60718"
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_SYN, _SYN_FIN, _SYN_ACK_FIN = 2, 3, 19  # sums of tcp-flags over a flow, as AWS gives them

NFDUMP_HEADER = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,"
    "odmc,idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr"
)
# The columns from `opkt` on, which say nothing here.
_NFDUMP_TAIL = (
    "0,0,0,0,0,0,0,0,0,0,0.0.0.0,0.0.0.0,0,0"
    + ",00:00:00:00:00:00" * 4
    + ",0-0-0" * 10
    + ",0.000,0.000,0.000,0.0.0.0,0/0,1,"
)


def write_vpcflow(path: Path, flows: Flows, wear: Wear, *, flags: bool) -> Written:
    """AWS flow logs: both directions of each connection, rejected ones, ICMP, and records without data.

    With `flags`, a custom format that adds `tcp-flags`; without, the default format of version 2.
    """
    lines: list[str] = []

    def add(ends: str, packets: int, second: int, action: str, bits: int) -> None:
        line = f"{_VPC_HEAD} {ends} {packets} {packets * 140} {second} {second + 42} {action} OK"
        lines.append(f"{line} {bits}" if flags else line)

    rows = zip(flows.connection, flows.epoch_s, flows.client, flows.port, flows.complete, flows.quic, strict=True)
    for at, (connection, at_s, client, port, complete, quic) in enumerate(rows):
        six, second = ":" in client, int(at_s)
        ours = (OUR_SERVER_V6 if six else OUR_SERVER_V4).format(4)
        if quic or complete:
            proto, packets = _UDP if quic else _TCP, 6 + connection % 40
            add(f"{client} {ours} {port} 443 {proto}", packets, second, "ACCEPT", 0 if quic else _SYN_FIN)
            add(f"{ours} {client} 443 {port} {proto}", packets + 2, second, "ACCEPT", 0 if quic else _SYN_ACK_FIN)
        else:
            add(f"{client} {ours} {port} 443 {_TCP}", 1, second, "REJECT", _SYN)
        if at % 60 == 0:
            add(f"{client} {ours} 0 0 {_ICMP6 if six else _ICMP}", 4, second, "ACCEPT", 0)
        if at % 300 == 0:
            lines.append(f"{_VPC_HEAD} - - - - - - - {second} {second + 60} - NODATA" + (" -" if flags else ""))
    header = f"{VPC_FIELDS} tcp-flags\n" if flags else f"{VPC_FIELDS}\n"
    return write_lines(path, wear.torn(lines), header=header)


def write_nfdump(path: Path, flows: Flows, wear: Wear) -> Written:
    """`nfdump -o csv` of version 1.6: sampled flows towards us, and the summary that it prints below them."""
    lines: list[str] = []
    packets = 0
    rows = zip(flows.connection, flows.epoch_s, flows.client, flows.port, flows.complete, flows.quic, strict=True)
    for connection, at_s, client, port, complete, quic in rows:
        ours = (OUR_SERVER_V6 if ":" in client else OUR_SERVER_V4).format(5)
        start, end, proto = _clock(at_s), _clock(at_s + 3), "UDP" if quic else "TCP"
        count = 5 + connection % 30 if complete or quic else 1
        bits = "......" if quic else ".AP.SF" if complete else "....S."
        packets += count
        counts = f"{count},{count * 120},{_NFDUMP_TAIL}{start}.000"
        lines.append(f"{start},{end},3.000,{client},{ours},{port},443,{proto},{bits},0,0,{counts}")
    summary = f"Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n{len(lines)},{packets * 120},{packets},0,0,120\n"
    return write_lines(path, wear.torn(lines), header=NFDUMP_HEADER + "\n", footer=summary)


def _clock(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s))
