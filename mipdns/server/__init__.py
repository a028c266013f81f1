"""How bytes move: UDP and TCP, reload, signals. What is said is decided in `mipdns.answer`.

sockets     binds every listener, or says why not
udp, tcp    move packets between sockets and `answering`
answering   asks `answer.respond`, counts, and turns a bug into SERVFAIL
content     what is served: snapshot, zones, cookie secrets; read at start and on reload
reloader    a thread that notices a new build and reads it while the old one is served
control     the file that lets another process find this server
notify      what a service manager is told
service     the loop that ties them together; `serve` is the door
"""

from mipdns.server.service import serve

__all__ = ["serve"]
