from .driver import WebChat as WebChat
