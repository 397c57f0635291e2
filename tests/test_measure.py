"""What tests are measured by, where a document averages over mini-batches."""

import json

from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.report import __main__ as report
from cifar10_tf1.report import comparison
from cifar10_tf1.report import measure
from cifar10_tf1.report import results
from test_several import write_run


def test_counts():
    chosen = measure.choose(systems.find('deep_cnn').documented)
    assert chosen.describe(8246) == '8,246 of 10,000 (82.46 %)'
    assert chosen.describe(8239.62) == '8,239.6 of 10,000 (82.40 %)'
    assert chosen.read({'num_correct': 7, 'mean_over_batches': 0.5}) == 7


def test_a_mean_over_batches():
    chosen = measure.choose(systems.find('laptop_cnn').documented)
    assert chosen.describe(chosen.documented) == '67.34 %'
    assert chosen.read({'num_correct': 7, 'mean_over_batches': 0.5}) == 50


def write_laptop_run(folder, means, train_files=5):
    """A run of laptop_cnn with its tests and the documented curve of one file."""
    write_run(folder, 'tensorflow 2.21.0', 1, [6700] * len(means))
    path = folder / 'run.json'
    content = json.loads(path.read_text())
    curve = comparison.load_curve('laptop_cnn', 'documented_single_file',
                                  'validation_accuracy')
    content.update(system='laptop_cnn', epochs=[
        {'epoch': epoch, 'step': 180 * epoch, 'summed_loss': 1.0,
         'validation_accuracy': value}
        for (epoch, unused_part), value in curve.items()])
    content['settings']['train_files'] = train_files
    for test, mean in zip(content['tests'], means):
        test.update(crop='whole', step=9000, mean_over_batches=mean)
    path.write_text(json.dumps(content))
    return path


def answer_of(path):
    record = run_record.load(str(path))
    return results.build_answer(record, comparison.build_report(record))


def test_the_answer_is_by_the_document_s_measure(tmp_path):
    answer = answer_of(write_laptop_run(tmp_path / 'a', [0.671, 0.6734375, 0.68]))
    assert [count[1] for count in answer.counts] == ['67.34 %', '67.48 %']
    assert 'sd 0.47; 67.10 to 68.00' in answer.counts[1][2]
    test, curve = answer.verdicts
    assert 'the documented 67.34 lies within' in test.text
    assert curve.is_good is None and 'no curve of a run on as much' in curve.text


def test_a_run_on_one_file_has_a_documented_curve_and_no_test(tmp_path):
    answer = answer_of(write_laptop_run(tmp_path / 'a', [0.57], train_files=1))
    assert [count[1] for count in answer.counts] == ['57.00 %']
    (curve,) = answer.verdicts
    assert curve.is_good


def test_several_runs_by_the_document_s_measure(tmp_path, capsys):
    paths = [write_laptop_run(tmp_path / name, [mean])
             for name, mean in (('a', 0.66), ('b', 0.67))]
    content = json.loads(paths[1].read_text())
    content['settings']['seed'] = 2
    content['weights']['sha256'] = 'another'
    paths[1].write_text(json.dumps(content))
    assert report.main([str(path) for path in paths] + ['--text']) == 0
    output = capsys.readouterr().out
    assert '66.50 %; mean of n = 2 runs; sd 0.71; 66.00 to 67.00' in output
    assert 'lies OUTSIDE the range of all 2 tests, 66.00 to 67.00' in output
    assert 'Equivalence' not in output  # no margin was stated
