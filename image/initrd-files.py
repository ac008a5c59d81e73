"""Prints the command line of a unified kernel image, and the names of the files in its initrd."""

import subprocess
import sys

import pefile

image = pefile.PE(sys.argv[1])
sections = {
    section.Name.rstrip(b"\0").decode(): section.get_data()[: section.Misc_VirtualSize]
    for section in image.sections
}
print(sections[".cmdline"].rstrip(b"\0").decode())
initrd = sections[".initrd"]
# One archive after the other, compressed or not, with zeros between them.
while initrd:
    if initrd[:4] == b"\x28\xb5\x2f\xfd":
        archive = subprocess.run(["zstd", "-dc"], input=initrd, capture_output=True).stdout
        initrd = b""
    else:
        archive, initrd = initrd, b""
        mark = archive.find(b"\x28\xb5\x2f\xfd")
        if mark >= 0:
            archive, initrd = archive[:mark], archive[mark:]
    listing = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True)
    print(listing.stdout.decode(errors="replace"))
