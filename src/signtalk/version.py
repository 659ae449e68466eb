"""The version of SignTalk, written here alone; files that are made with it tell it."""

VERSION = "0.1.0"
