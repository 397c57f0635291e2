"""The pages' links, and the names that they type."""

import os
import re
import shutil
import subprocess

import pytest

from pages import PAGES, read, ROOT

# [text](target) and ![text](target), outside of code.
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')
WRITTEN = """.venv .venv-tf2 dataset/cifar10/a demo/model/a model/report.html runs/2/run.json
report.html out.png photo.jpg holiday/a.jpg export/saved_model.pb export.onnx data/model/run.json
cifar-tf1.tar.gz cifar-10-binary.tar.gz model.tar rescue.py old/checkpoint rescued/saved_model.pb
rescued.onnx expected.npz export.npz tfrecord/labels.txt""".split()


def strip_blocks(text):
    return re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)


def list_anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', strip_blocks(text), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: os.path.relpath(page, ROOT))
def test_what_a_page_names_is_there(page):
    """Files, make targets, and what its links lead to: other pages and their anchors."""
    text, makefile = read(page), read('Makefile')
    for name in re.findall(r'`((?:cifar10_tf1|docker|docs|tools|results|requirements|tests)'
                           r'/[\w./-]*)`', text):
        # SYSTEM stands for many.
        assert 'SYSTEM' in name or os.path.exists(os.path.join(ROOT, name)), name
    for target in re.findall(r'(?:`|^)make ([a-z-]+)', text, re.MULTILINE):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target
    for target in LINK.findall(re.sub(r'`[^`\n]*`(?!\])', '', strip_blocks(text))):
        if not re.match(r'[a-z]+:', target):  # elsewhere
            name, unused_hash, anchor = target.partition('#')
            path = os.path.join(os.path.dirname(page), name) if name else page
            assert os.path.exists(path), target
            assert not anchor or anchor in list_anchors(read(path)), target


def test_what_the_pages_write_is_ignored_by_git():
    """Else the doctor and a run's record say that the program was changed."""
    def check_ignored(*names):
        return subprocess.run(('git', '-C', ROOT, 'check-ignore', *names),
                              stdout=subprocess.PIPE, universal_newlines=True)

    if shutil.which('git') is None or check_ignored(WRITTEN[0]).returncode > 1:
        pytest.skip('this is no checkout of git')
    assert check_ignored(*WRITTEN).stdout.split() == WRITTEN
    assert check_ignored('cifar10_tf1/data/a.py', 'results/runs/a/run.json').stdout == ''
