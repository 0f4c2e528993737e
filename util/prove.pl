#!/usr/bin/env perl

# Runs TAP tests one after another, as prove does: prove.pl [-v] [-b COMMAND]
# [-a COMMAND] [-x COMMAND] [-r RESULTS] [-f FAILURES] FILE ...
#
#   -b  run before each file
#   -a  run after each file; if it fails, what it prints is a failed test
#   -x  what programs are run under
#   -r  a line "PASSED FAILED" is added to this file
#   -f  what has failed, and what was said of it, is added to this file
#
# A file that ends *.t is a Perl script, any other a program.

use warnings;
use strict;

use File::Temp;
use Getopt::Long qw(:config require_order bundling);
use TAP::Harness;

my %opt;

GetOptions(\%opt, 'b=s', 'a=s', 'x=s', 'r=s', 'f=s', 'v') or exit 2;

my $failed = 0;

# of one failed test, and how many of one file
my ($lines, $tests) = (20, 10);

# what the running file says: tests on standard error, programs in comments
my $errors = File::Temp->new;
my $comments;
open my $stderr, '>&', \*STDERR or die "stderr: $!\n";

my $harness = TAP::Harness->new({
    verbosity => $opt{v} ? 1 : 0,
    merge     => 0,
    timer     => 0,
    color     => -t STDOUT ? 1 : 0,
    exec      => sub { $_[1] =~ /\.t$/ ? undef
                       : [split(' ', $opt{x} // ''), $_[1]] },
});

$harness->callback(parser_args => sub {
    if ($opt{b}) {
        system($opt{b}) == 0 or die "failed: $opt{b}\n";
    }

    if ($opt{f}) {
        truncate $errors, 0 or die "truncate: $!\n";
        open STDERR, '>>', $errors->filename or die "stderr: $!\n";
    }
});

$harness->callback(made_parser => sub {
    my ($parser) = @_;
    my $keep = sub { $comments .= $_[0]->as_string . "\n" };

    $comments = '';
    $parser->callback(comment => $keep);
    $parser->callback(test => sub { $keep->(@_) unless $_[0]->is_ok });
});

$harness->callback(after_test => sub {
    my ($job, $parser) = @_;

    if ($opt{f}) {
        open STDERR, '>&', $stderr or die "stderr: $!\n";
    }

    my $said = said();
    print STDERR $said;

    if ($parser->has_problems) {
        failure("$job->[0]: $_") for failed_tests($said);
    }

    # a plan that isn't kept, a signal: failed, though no test did
    $failed++ if $parser->has_problems && !$parser->failed;

    return unless $opt{a};

    my $out = `$opt{a}`;

    if ($?) {
        $out = "not ok - $job->[0] left behind:\n$out\n";
        print $out;
        failure($out);
        $failed++;
    }
});


# all that the file has written to standard error

sub said {
    open my $in, '<', $errors->filename or die "errors: $!\n";
    local $/;

    return scalar(<$in>) // '';
}


# each as a text; at least one

sub failed_tests {
    my ($said) = @_;

    $said = "$comments$said" unless $said =~ /^# +Failed test/m;

    my @failed = grep { /^# +Failed test|^not ok/ }
                 split /^(?=# +Failed test|not ok)/m, $said;

    push @failed, "not ok\n$said" unless @failed;
    splice @failed, $tests if @failed > $tests;

    return @failed;
}


sub failure {
    my ($text) = @_;

    return unless $opt{f};

    my @text = split /^/m, $text;
    splice @text, $lines if @text > $lines;

    open my $out, '>>', $opt{f} or die "$opt{f}: $!\n";
    print $out @text;
    close $out or die "$opt{f}: $!\n";
}


my $all = $harness->runtests(@ARGV);

$failed += $all->failed;

if (defined $opt{r}) {
    open my $results, '>>', $opt{r} or die "$opt{r}: $!\n";
    print $results scalar $all->passed, " $failed\n";
    close $results or die "$opt{r}: $!\n";
}

exit($failed || !$all->all_passed ? 1 : 0);
