namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class WrongUseTests
{
    [Theory]
    [InlineData("docter", "schane has no verb 'docter' (did you mean 'doctor'?); `schane --help` lists its verbs.")]
    [InlineData("doctor --jsom", "schane doctor has no flag '--jsom' (did you mean '--json'?); `schane doctor --help` lists its flags.")]
    [InlineData("doctor --jsom=1", "schane doctor has no flag '--jsom' (did you mean '--json'?); `schane doctor --help` lists its flags.")]
    [InlineData("--zzzzzzzzzzz", "schane has no flag '--zzzzzzzzzzz'; `schane --help` lists its flags.")]
    [InlineData("models lst", "schane models has no verb 'lst' (did you mean 'list'?); `schane models --help` lists its verbs.")]
    [InlineData("models show", "schane models show needs MODEL; `schane models show --help` shows its use.")]
    [InlineData("models show resnet18 --jsom",
        "schane models show has no flag '--jsom' (did you mean '--json'?); `schane models show --help` lists its flags.")]
    [InlineData("doctor me", "schane doctor has no place for 'me'; `schane doctor --help` shows its use.")]
    public void What_does_not_exist_is_refused_with_the_nearest_names(string line, string sentence) =>
        Assert.Equal(sentence, SchaneProgram.Run(line.Split(' ')).Refusal());

    [Fact]
    public void A_refusal_asked_for_as_json_is_one_document_with_the_same_sentence()
    {
        var ended = SchaneProgram.Run("docter", "--json");
        Assert.Equal(2, ended.ExitCode);
        var document = ended.Document();
        Assert.Contains("did you mean 'doctor'", document.GetProperty("error").GetString());
        Assert.Equal(2, document.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public void The_stack_trace_comes_with_verbose_alone()
    {
        Assert.DoesNotContain("   at Schane", SchaneProgram.Run("docter").Errors);
        Assert.Contains("   at Schane", SchaneProgram.Run("docter", "--verbose").Errors);
    }

    [Fact]
    public void A_word_that_moves_the_cursor_or_marks_up_text_is_printed_escaped()
    {
        var sentence = SchaneProgram.Run("doctor", "\u001b[2J[red]\nnext\u202e").Refusal();
        Assert.Contains(@"'\e[2J[red]\nnext\u202e'", sentence);
    }
}
