namespace SpectralKD.Notebook.Tests.Session;

/// <summary>What C# notebooks of .NET Interactive call, beyond <c>display</c>.</summary>
public sealed class DotNetInteractiveTests
{
    [Theory]
    [InlineData("(LaTeXString)@\"$\\nabla$\"", "$\\nabla$")]
    [InlineData("(MathString)@\"x^2\"", "$$x^2$$")]
    [InlineData("Formatter.ResetToDefault(); new MathString(\"$$x^2$$\")", "$$x^2$$")]
    public async Task TeX_is_shown_as_TeX(string code, string source)
    {
        await using var notebook = new NotebookOfTest();
        var data = Assert.Single((await notebook.RunAsync(code)).Results).Data;
        Assert.Equal(source, data["text/latex"].GetValue<string>());
        Assert.Equal(source, data["text/plain"].GetValue<string>());
    }

    [Fact]
    public async Task A_sequence_is_displayed_as_a_table()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(
            "record Person(string Name, int Age);\nnew[] { new Person(\"Ada\", 36), new Person(\"Bob\", 7) }.DisplayTable(); int[] none = null; none.DisplayTable();");
        var html = output.Displays[0].Data.Data["text/html"].GetValue<string>();
        Assert.Contains("<table", html, StringComparison.Ordinal);
        Assert.Matches("Name.*Age.*Ada.*36.*Bob.*7", html.ReplaceLineEndings(""));
        Assert.Equal("<null>", RecordedOutput.Text(output.Displays[1].Data));
    }

    [Fact]
    public async Task The_kernels_functions_are_found_by_their_full_name()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (request, _) => Task.FromResult<string?>($"{request.Prompt}{request.IsPassword}") });
        var output = await notebook.RunAsync(
            """
            using Microsoft.DotNet.Interactive;
            using static Microsoft.DotNet.Interactive.Kernel;
            Kernel.display(1);
            Microsoft.DotNet.Interactive.Kernel.HTML("<b>2</b>").Display();
            KernelInvocationContext.Current.Display(3, "text/plain");
            KernelInvocationContext.Current.DisplayAs("4", "text/markdown");
            Kernel.Javascript("5");
            PasswordString secret = await Kernel.GetPasswordAsync("p");
            display($"{secret} {secret.GetClearTextPassword()} {await GetInputAsync("q", "file")} {KernelInvocationContext.Current.CancellationToken.CanBeCanceled}");
            """);
        Assert.Equal(
            ["1", "<b>2</b>", "3", "4", "<script type=\"text/javascript\">5</script>", "************ pTrue qFalse False"],
            output.Displays.Select(shown => RecordedOutput.Text(shown.Data)));
        Assert.Contains("text/markdown", output.Displays[3].Data.Data);
    }
}
