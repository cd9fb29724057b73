using System.CommandLine;
using Schane.Cli;
using Schane.Cli.Verbs;
using Schane.Models.Layers;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Tests.Verification;

/// <summary>
/// An operator that this machine computes wrong is named. (That all are right is what DoctorTests asks the command.)
/// </summary>
public class OperatorTests
{
    private static readonly Operator Right = new("linear 16 → 8", [4, 16], () => new Dense(16, 8));

    [Fact]
    public void A_right_operator_is_within_rounding_and_not_exact()
    {
        foreach (var type in Right.Types)
            Assert.InRange(Right.Compare(type).Forward, type == ScalarType.Float32 ? 1e-9 : 1e-5, type == ScalarType.Float32 ? 1e-6 : 1e-2);
        Assert.All(OperatorTable.Compare([Right]), found => Assert.True(found.IsRight));
    }

    [Fact]
    public void A_wrong_value_is_found_in_the_number_type_that_it_is_wrong_in()
    {
        var wrong = Planted(x => x.dtype == ScalarType.Float32 ? x * 2 + 1e-3 : x * 2);
        Assert.Equal([("float32", false), ("bf16", true)],
            OperatorTable.Compare([wrong]).Select(found => (found.Precision, found.IsRight)));
        var wrongInHalf = Planted(x => x.dtype == ScalarType.BFloat16 ? x * 2.25 : x * 2);
        Assert.Equal([("float32", true), ("bf16", false)],
            OperatorTable.Compare([wrongInHalf]).Select(found => (found.Precision, found.IsRight)));
    }

    [Fact]
    public void A_wrong_gradient_of_a_right_value_is_found()
    {
        var found = Planted(x => x.dtype == ScalarType.Float32 ? x * 2 - (x - x.detach()) : x * 2).Compare(ScalarType.Float32);
        Assert.Equal((0, false), (found.Forward, found.IsRight));
        Assert.Equal(0.5, found.Gradient!.Value, 1e-6);
    }

    [Fact]
    public void A_value_that_is_not_finite_is_wrong() =>
        Assert.False(Planted(x => x.dtype == ScalarType.Float32 ? x / 0 : x).Compare(ScalarType.Float32).IsRight);

    [Fact]
    public void The_doctor_ends_with_exit_code_1_where_an_operator_is_wrong()
    {
        var verb = new DoctorVerb(() => OperatorTable.Compare([Right, Planted(x => x.dtype == ScalarType.Float32 ? x * 3 : x * 2)]));
        var root = new Root([verb]);
        var outcome = verb.Run(root.Parse("doctor"), new Screen(json: true, verbose: false).Silent(),
            TestContext.Current.CancellationToken);
        Assert.Equal(Exit.Failed, outcome.ExitCode);
        Assert.Equal("planted in float32 is off by 5e-1 of its largest value, and rounding explains 1e-4: "
                + "what models with such an operator give on this machine can't be trusted.",
            Assert.Single(DoctorVerb.Wrong(OperatorTable.Compare([Right, Planted(x => x.dtype == ScalarType.Float32 ? x * 3 : x * 2)]))));
    }

    private static Operator Planted(Func<Tensor, Tensor> compute) => new("planted", [4, 8], () => new Function(compute));
}
